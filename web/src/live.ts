// The live connection: laravel-echo over pusher-js, signed in as the page's person.
import Echo from 'laravel-echo'
import Pusher from 'pusher-js'
import { ref, shallowRef } from 'vue'
import { reportActivity } from '../../docs/report-activity.mjs'
import { me } from './session'

export type Connection = 'connecting' | 'connected' | 'unavailable'
export const connection = ref<Connection>('connecting')
export const echo = shallowRef<Echo<'reverb'>>()
/** The server ended this person's connections: signed out somewhere. */
export const ended = ref(false)

export function connect(): void {
  if (echo.value || !me.value) return
  const tls = location.protocol === 'https:'
  const port = Number(location.port) || (tls ? 443 : 80)
  const signIn = { endpoint: '/broadcasting/user-auth', transport: 'ajax' as const, headers: {} }
  const made = new Echo({
    broadcaster: 'reverb', Pusher, key: me.value.key, wsHost: location.hostname, wsPort: port, wssPort: port,
    forceTLS: tls, enabledTransports: ['ws', 'wss'], authEndpoint: '/broadcasting/auth', userAuthentication: signIn,
  })
  echo.value = made
  ended.value = false
  const pusher = (made.connector as unknown as { pusher: Pusher }).pusher
  pusher.connection.bind('state_change', ({ current }: { current: string }) => {
    if (current !== 'connected') lookForServer(pusher)
    connection.value = current === 'connected' ? 'connected' : current === 'connecting' || current === 'initialized' ? 'connecting' : 'unavailable'
  })
  pusher.connection.bind('error', (e: { error?: { data?: { code?: number } } }) => {
    if (e?.error?.data?.code === 4009) left()
  })
  if (me.value.user) {
    pusher.signin()
    reportActivity(pusher.subscribe(`private-presence.${channelName(me.value.user)}`))
  }
}

let looking = 0
let down = false
/**
 * pusher-js waits up to a minute after a refused port; an open page asks whether the server is back.
 * Only where it was seen to be away: a connection that is slow to come about is left in peace.
 */
function lookForServer(pusher: Pusher): void {
  clearTimeout(looking)
  looking = window.setTimeout(async () => {
    if (connection.value === 'connected' || ended.value || !echo.value) return void (down = false)
    const up = await fetch('/up').then((answer) => answer.ok, () => false)
    if (!up) down = true
    else if (down && pusher.connection.state !== 'connected') (down = false), pusher.disconnect(), pusher.connect()
    lookForServer(pusher)
  }, 1000 + Math.random() * 2000) // not all pages at once
}

function left(): void {
  ended.value = true
  disconnect()
  me.value = null
}

export function disconnect(): void {
  echo.value?.disconnect()
  echo.value = undefined
  connection.value = 'connecting'
}

/** A user's name as a channel holds it: other bytes as =XX. */
export function channelName(user: string): string {
  return Array.from(new TextEncoder().encode(user), (b) => {
    const c = String.fromCharCode(b)
    return /[A-Za-z0-9_@,.;-]/.test(c) ? c : '=' + b.toString(16).toUpperCase().padStart(2, '0')
  }).join('')
}
