// Chat: what was said, who is in the room, who types, and what waits to be sent.
//
// A message is sent under an Idempotency-Key that is kept until the server has answered, so that it
// is said once however often it is tried. What others and other tabs of one's own say comes over
// the channel; the room is read whenever the channel begins to be heard, so nothing falls between.
import { computed, reactive, ref, shallowReactive, watch } from 'vue'
import { get, post, Problem, remove, type Message } from './api'
import { connection, echo } from './live'
import { me } from './session'

export interface Waiting { key: string; room: string; text: string; trouble?: string }
export interface Room {
  name: string
  messages: Message[]
  members: string[]
  typing: Map<string, number>
  /** The newest message that was looked at. */
  seen: number
  complete: boolean
  /** Messages that were removed: an older answer may still hold them. */
  gone: Set<number>
}
/** Numbers of people who were forgotten: likewise. */
const forgotten = new Set<number>()

export const rooms = shallowReactive(new Map<string, Room>())
export const open = ref('')
const storage = (what: string) => `rollcall:${what}:${me.value?.app}:${me.value?.user}`
export const waiting = ref<Waiting[]>([])
export const unread = computed(() => [...rooms.values()].reduce((n, r) => n + unreadOf(r), 0))
export const unreadOf = (room: Room): number => room.messages.filter((m) => m.id > room.seen && m.user !== me.value?.user).length

const keep = () => localStorage.setItem(storage('waiting'), JSON.stringify(waiting.value))

function put(room: Room, message: Message): void {
  if (room.gone.has(message.id) || forgotten.has(message.number)) return
  const at = room.messages.findIndex((m) => m.id >= message.id)
  if (at >= 0 && room.messages[at]!.id === message.id) room.messages[at] = message
  else if (at >= 0) room.messages.splice(at, 0, message)
  else room.messages.push(message)
  if (message.client_id) waiting.value = waiting.value.filter((w) => w.key !== message.client_id)
  room.typing.delete(message.user)
  if (open.value === room.name && !document.hidden) look(room)
}

export function look(room: Room): void {
  const last = room.messages.at(-1)?.id ?? 0
  if (last <= room.seen) return
  room.seen = last
  localStorage.setItem(storage(`seen:${room.name}`), String(last))
}

function enter(name: string): void {
  let room = rooms.get(name)
  if (!room) {
    room = reactive<Room>({ name, messages: [], members: [], typing: new Map(), seen: Number(localStorage.getItem(storage(`seen:${name}`)) ?? 0), complete: false, gone: new Set() })
    rooms.set(name, room)
  }
  const here = room
  type Member = { id: string }
  echo.value!.join(`room.${name}`)
    .here((members: Member[]) => {
      here.members = members.map((m) => m.id).sort()
      catchUp(here).catch(() => undefined)
    })
    .joining((m: Member) => (here.members = [...new Set([...here.members, m.id])].sort()))
    .leaving((m: Member) => (here.members = here.members.filter((id) => id !== m.id)))
    .listen('.MessagePosted', (m: Message) => put(here, m))
    .listen('.MessageEdited', (e: { id: number; text: string; edited_at: string }) => {
      const m = here.messages.find((m) => m.id === e.id)
      if (m) put(here, { ...m, text: e.text, edited_at: e.edited_at })
    })
    .listen('.MessageRemoved', ({ id }: { id: number }) => {
      here.gone.add(id)
      here.messages = here.messages.filter((m) => m.id !== id)
    })
    .listenForWhisper('typing', ({ user }: { user: string }) => {
      here.typing.set(user, Date.now())
      setTimeout(() => Date.now() - (here.typing.get(user) ?? 0) > 2900 && here.typing.delete(user), 3000)
    })
}

async function catchUp(room: Room): Promise<void> {
  const had = room.messages.at(-1)?.id ?? 0
  const newest = await get('/v1/rooms/{room}/messages', { room: room.name, limit: 100 })
  // What was removed or erased while nothing was heard is not in the answer: within its range it goes
  // here, too. What came over the channel since the question is newer than the answer and stays.
  const first = newest.messages[0]?.id ?? 0
  const there = new Set(newest.messages.map((m) => m.id))
  room.messages = room.messages.filter((m) => m.id < first || m.id > had || there.has(m.id))
  for (const m of newest.messages) {
    const mine = room.messages.find((own) => own.id === m.id)
    if (!mine?.edited_at || (m.edited_at ?? '') >= mine.edited_at) put(room, m)
  }
  // More was said than the answer holds: what is older is fetched from there when somebody asks.
  if (newest.messages.length === 100 && had < first) room.messages = room.messages.filter((m) => m.id >= first), (room.complete = false)
  if (newest.messages.length < 100) room.complete = true
}

export async function older(room: Room): Promise<void> {
  const before = room.messages[0]?.id
  const answer = await get('/v1/rooms/{room}/messages', { room: room.name, before, limit: 100 })
  answer.messages.forEach((m) => put(room, m))
  if (answer.messages.length < 100) room.complete = true
}

export function say(room: string, text: string): void {
  waiting.value.push({ key: crypto.randomUUID(), room, text })
  keep()
  void flush()
}

let flushing = false
export async function flush(): Promise<void> {
  if (flushing || connection.value !== 'connected') return
  flushing = true
  try {
    for (;;) {
      const next = waiting.value.find((w) => !w.trouble)
      if (!next) break
      try {
        await post('/v1/rooms/{room}/messages', { room: next.room, text: next.text, client_id: next.key }, { room: next.room }, { 'idempotency-key': next.key })
        // The channel brings it, too; whichever comes first takes it off the queue.
        waiting.value = waiting.value.filter((w) => w.key !== next.key)
      } catch (problem) {
        const status = problem instanceof Problem ? problem.status : 0
        if (status === 0 || status === 409 || status >= 500 || status === 429) {
          setTimeout(() => void flush(), 1000) // not now: the queue stays as it is
          break
        }
        next.trouble = (problem as Error).message
      }
      keep()
    }
  } finally {
    flushing = false
    keep()
  }
}

export const drop = (key: string): void => {
  waiting.value = waiting.value.filter((w) => w.key !== key)
  keep()
}

let toldTyping = 0
export function typing(room: string): void {
  if (Date.now() - toldTyping < 1500) return
  toldTyping = Date.now()
  echo.value?.join(`room.${room}`).whisper('typing', { user: me.value?.user })
}

export const edit = (room: string, id: number, text: string) =>
  post('/v1/rooms/{room}/messages/{id}', { room, id: String(id), text }, { room, id })
export const erase = (room: string, id: number) => remove('/v1/rooms/{room}/messages/{id}', { room, id })

watch(echo, (now) => {
  if (!now || !(me.value?.user || me.value?.replay)) return
  waiting.value = JSON.parse(localStorage.getItem(storage('waiting')) ?? '[]') as Waiting[]
  me.value.rooms.forEach(enter)
  now.private('presence').listen('.PersonForgotten', ({ number }: { number: number }) => {
    forgotten.add(number)
    for (const room of rooms.values()) room.messages = room.messages.filter((m) => m.number !== number)
  }).listen('.rollcall:moved', () => { // a replay: what was said after that is not said yet
    for (const room of rooms.values()) (room.messages = []), catchUp(room).catch(() => undefined)
  })
})
watch(connection, (now) => now === 'connected' && void flush())
watch(me, (now, before) => {
  if (now?.user !== before?.user) rooms.clear(), (waiting.value = [])
})
// Another tab of this browser read or wrote: what is stored is shared.
addEventListener('storage', (e) => {
  if (e.key === storage('waiting')) waiting.value = JSON.parse(e.newValue ?? '[]') as Waiting[]
  for (const room of rooms.values()) if (e.key === storage(`seen:${room.name}`)) room.seen = Number(e.newValue)
})
document.addEventListener('visibilitychange', () => {
  const room = rooms.get(open.value)
  if (room && !document.hidden) look(room)
})
