// Who is here: the whole list once, then every change as it comes, drawn at most once a frame.
import { computed, ref, shallowRef, watch } from 'vue'
import { get, type Person } from './api'
import { echo } from './live'
import { moment } from './moment'
import { me } from './session'

/** Unknown: of a past moment at which nobody watched. */
export type State = 'online' | 'away' | 'offline' | 'unknown'
export const states: State[] = ['online', 'away', 'unknown', 'offline']

const known = new Map<string, Person>()
const past = shallowRef<Person[] | null>(null)
const list = shallowRef<Person[]>([])
export const loading = ref(true)
export const trouble = ref('')
/** Whose state just changed, for the eye: name → when. */
export const fresh = new Map<string, number>()

/** Sorted by name; of the moment the page is at. */
export const people = computed(() => past.value ?? list.value)
export const person = (user: string): Person | undefined => people.value.find((p) => p.user === user)

const order = new Intl.Collator(undefined, { numeric: true })
let sorted = true
let frame = 0

function changed(): void {
  if (frame) return
  frame = requestAnimationFrame(() => {
    frame = 0
    // Always a new array of objects that are never changed in place: what is computed from either
    // sees that it changed.
    list.value = sorted ? list.value.map((p) => known.get(p.user)!) : [...known.values()].sort((a, b) => order.compare(a.user, b.user))
    sorted = true
  })
}

function put(next: Person): void {
  if (!known.has(next.user)) sorted = false
  known.set(next.user, next)
}

/** How often something was heard of somebody: an answer that was asked for before is older than that. */
const heard = new Map<string, number>()
let hearing = 0
const hear = (user: string): void => void heard.set(user, ++hearing)
const heardSince = (user: string, then: number): boolean => (heard.get(user) ?? 0) > then

async function loadAll(): Promise<void> {
  const then = hearing
  try {
    const all = await get('/v1/presence', { state: 'any', limit: 100_000 })
    const there = new Set(all.people.map((p) => p.user))
    for (const name of known.keys()) if (!there.has(name) && !heardSince(name, then)) known.delete(name)
    sorted = false
    for (const p of all.people) if (!heardSince(p.user, then) || !known.has(p.user)) put(p)
    trouble.value = ''
  } catch (problem) {
    trouble.value = (problem as Error).message
  }
  loading.value = false
  changed()
}

interface PresenceChanged { user: string; state: State; previous: State; at: string; seq: number }
interface StatusChanged { user: string; text: string; emoji: string; do_not_disturb: boolean }

function listen(): void {
  // The list is read once the channel is heard, and after each reconnection again: what changes in
  // between is then told. (An earlier answer could miss a change that came before the channel did.)
  echo.value?.private('presence')
    .subscribed(() => void loadAll())
    .listen('.PresenceChanged', (e: PresenceChanged) => {
      hear(e.user)
      const before = known.get(e.user)
      if (!before) return void loadOne(e.user)
      known.set(e.user, { ...before, state: e.state, since: e.at, ...(e.state === 'offline' ? {} : { last_seen: e.at }) })
      fresh.set(e.user, performance.now())
      changed()
    })
    .listen('.StatusChanged', (e: StatusChanged) => {
      hear(e.user)
      const before = known.get(e.user)
      if (!before) return
      known.set(e.user, { ...before, text: e.text, emoji: e.emoji, do_not_disturb: e.do_not_disturb })
      changed()
    })
    .listen('.rollcall:moved', () => void loadAll()) // of a replay: everything may be otherwise
    .listen('.PersonForgotten', ({ number }: { number: number }) => {
      for (const [name, p] of known) if (p.number === number) known.delete(name)
      sorted = false
      changed()
    })
}

const asked = new Set<string>()
async function loadOne(user: string): Promise<void> {
  if (asked.has(user)) return
  asked.add(user)
  try {
    for (;;) {
      const then = hearing
      const answer = await get('/v1/presence/{user}', { user })
      if (heardSince(user, then)) continue // older than what was heard meanwhile: asked again
      put(answer)
      hear(user)
      changed()
      break
    }
  } catch { /* gone again */ } finally {
    asked.delete(user)
  }
}

/** The newest of one person: devices are told nowhere else. */
export const refresh = (user: string): Promise<void> => (moment.value ? Promise.resolve() : loadOne(user))

watch(echo, (now) => now && listen())
watch(me, (now, before) => {
  if (!now || now.user !== before?.user) known.clear(), (list.value = []), (loading.value = true)
})

/** Of a play in the browser: these changed, in order. Seen at the next frame. */
export function playEach(changes: Pick<Person, 'user' | 'state' | 'since' | 'number'>[]): void {
  if (!past.value) return
  const next = new Map(past.value.map((p) => [p.user, p]))
  const count = next.size
  for (const c of changes) next.set(c.user, { ...(next.get(c.user) ?? { do_not_disturb: false, sessions: 0 }), ...c })
  const all = [...next.values()]
  past.value = next.size === count ? all : all.sort((a, b) => order.compare(a.user, b.user))
}

let wanted = 0
watch(moment, async (at) => {
  const mine = ++wanted
  if (!at) return void (past.value = null)
  try {
    const all = await get('/v1/presence', { at: at.toISOString(), state: 'any', limit: 100_000 })
    if (mine === wanted) past.value = all.people.sort((a, b) => order.compare(a.user, b.user)), (trouble.value = '')
  } catch (problem) {
    if (mine === wanted) trouble.value = (problem as Error).message
  }
})
