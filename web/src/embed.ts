// <rollcall-presence user="ada" token="…">: one person's dot on any page, live.
//
// The token comes from `rollcall token watch ada`; the site must be named with `--origin`. `server`
// is where this script was loaded from, unless it is given. Style it through ::part(dot), ::part(name).
import Pusher from 'pusher-js'

const script = (document.currentScript as HTMLScriptElement | null)?.src
interface Watch { key: string; channel: string; auth?: string; person: { user: string; state: string; last_seen?: string; text?: string; emoji?: string } }

class RollcallPresence extends HTMLElement {
  private pusher?: Pusher
  private heard = 0
  private readonly root = this.attachShadow({ mode: 'open' })

  connectedCallback(): void {
    this.draw(this.getAttribute('user') ?? '', 'unknown')
    void this.begin()
  }
  disconnectedCallback(): void {
    this.pusher?.disconnect()
    this.pusher = undefined
  }

  private get server(): URL {
    return new URL(this.getAttribute('server') ?? script ?? location.href)
  }
  private async ask(socket_id?: string): Promise<Watch> {
    const response = await fetch(new URL('/v1/watch', this.server), {
      method: 'POST', headers: { 'content-type': 'application/json' }, credentials: 'omit',
      body: JSON.stringify({ token: this.getAttribute('token') ?? '', ...(socket_id ? { socket_id } : {}) }),
    })
    if (!response.ok) throw new Error(((await response.json()) as { detail?: string }).detail ?? String(response.status))
    return (await response.json()) as Watch
  }
  private async begin(): Promise<void> {
    try {
      const first = await this.ask()
      if (!this.isConnected) return
      this.show(first)
      const { hostname, port, protocol } = this.server
      const tls = protocol === 'https:'
      this.pusher = new Pusher(first.key, {
        wsHost: hostname, wsPort: Number(port) || 80, wssPort: Number(port) || 443, forceTLS: tls, enabledTransports: ['ws', 'wss'], cluster: '',
        channelAuthorization: {
          transport: 'ajax', endpoint: '',
          customHandler: ({ socketId }, done) => {
            this.ask(socketId).then((w) => done(null, { auth: w.auth! }), (error: Error) => done(error, null))
          },
        },
      })
      this.pusher.subscribe(first.channel)
        .bind('PresenceChanged', (e: { user: string; state: string }) => (this.heard++, this.draw(e.user, e.state)))
        // What is true now is asked once the channel is heard, after a lost connection again; what
        // was heard since then is newer than the answer.
        .bind('pusher:subscription_succeeded', () => {
          const then = this.heard
          void this.ask().then((w) => then === this.heard && this.show(w), () => undefined)
        })
    } catch (error) {
      this.draw(this.getAttribute('user') ?? '', 'unknown', (error as Error).message)
    }
  }
  private show({ person }: Watch): void {
    const wanted = this.getAttribute('user')
    if (wanted && wanted !== person.user) this.draw(wanted, 'unknown', 'The token is for somebody else.')
    else this.draw(person.user, person.state)
  }
  private draw(user: string, state: string, title = ''): void {
    const colour = { online: '#137a45', away: '#935f00', offline: '#646d67' }[state] ?? '#646d67'
    const shape = state === 'online' ? `<circle cx="6" cy="6" r="5" fill="${colour}"/>`
      : `<circle cx="6" cy="6" r="4.5" fill="none" stroke="${colour}" stroke-width="1.5"/>${state === 'away' ? `<path d="M6 1.5a4.5 4.5 0 0 0 0 9z" fill="${colour}"/>` : ''}`
    const svg = new DOMParser().parseFromString(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 12 12" width="12" height="12" role="img" aria-label="${state}">${shape}</svg>`, 'image/svg+xml').documentElement
    svg.setAttribute('part', 'dot')
    const name = document.createElement('span')
    name.setAttribute('part', 'name')
    name.textContent = ` ${user}`
    this.setAttribute('state', state)
    if (title) this.title = title
    else this.removeAttribute('title')
    this.root.replaceChildren(svg, name)
  }
}
if (!customElements.get('rollcall-presence')) customElements.define('rollcall-presence', RollcallPresence)
