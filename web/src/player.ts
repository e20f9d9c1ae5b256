// The past played: of a live server in the browser, from the changes of state that its log has; of a
// server that plays the past itself (`rollcall replay --listen`), its clock set from here.
import { computed, ref, shallowRef } from 'vue'
import { get, post, type Person } from './api'
import { moment, setPresent } from './moment'
import { fresh, playEach, type State } from './people'
import { me } from './session'

/** How much faster than it was. */
export const speeds = [1, 10, 60, 600, 3600] as const
export const speed = ref<number>(60)
/** Where a play in the browser is; null where none is under way. */
export const playing = shallowRef<Date | null>(null)
export const trouble = ref('')

interface Change { at: string; user: string; to: string; number: number }
const page = 5000 // changes asked for at once
let frame = 0
let round = 0

/** From the moment the page is at, until `stop()` or the log's end. */
export async function play(): Promise<void> {
  const from = moment.value
  if (!from) return
  const mine = ++round
  trouble.value = ''
  let waiting: Change[] = []
  let more = true
  let next = from.toISOString()
  let fetching: Promise<void> | null = null
  const fetchMore = async (): Promise<void> => {
    try {
      const answer = await get('/v1/transitions', { since: next, limit: page })
      const rows = answer.transitions as Change[]
      more = rows.length === page
      // What is of one moment must not be cut in two: the last moment is asked for again.
      if (more) {
        const last = rows[rows.length - 1]!.at
        const whole = rows.filter((row) => row.at !== last)
        if (whole.length) waiting.push(...whole), (next = last)
        else waiting.push(...rows), (more = false)
      } else waiting.push(...rows)
    } catch (problem) {
      trouble.value = (problem as Error).message
      more = false
    }
    fetching = null
  }
  await (fetching = fetchMore())
  if (mine !== round) return
  // Those at the moment itself are in the list already.
  waiting = waiting.filter((change) => Date.parse(change.at) > +from)
  let at = +from
  let before = performance.now()
  playing.value = from
  const step = (now: number): void => {
    if (mine !== round) return
    at += (now - before) * speed.value
    before = now
    const due: Change[] = []
    while (waiting.length && Date.parse(waiting[0]!.at) <= at) due.push(waiting.shift()!)
    if (due.length) playEach(due.map((c): Pick<Person, 'user' | 'state' | 'since' | 'number'> => ({ user: c.user, state: c.to as State, since: c.at, number: c.number })))
    for (const change of due) fresh.set(change.user, now)
    if (!waiting.length && !more && !fetching) return void stop()
    if (waiting.length < page / 2 && more && !fetching) fetching = fetchMore()
    playing.value = new Date(Math.min(at, Date.now()))
    frame = requestAnimationFrame(step)
  }
  frame = requestAnimationFrame(step)
}

/** Ends it; the page stays at the moment it came to. */
export function stop(): Date | null {
  round++
  cancelAnimationFrame(frame)
  const at = playing.value
  playing.value = null
  return at
}

// Of a server that plays the past.
export interface Clock { at: string; seq: number; speed: string; paused: boolean; ended: boolean; from: string; to: string }
export const ofThePast = computed(() => !!me.value?.replay)
export const clockOfReplay = shallowRef<Clock | null>(null)
let heardAt = 0

export async function setClock(change: { paused?: boolean; speed?: string; at?: string } = {}): Promise<void> {
  try {
    clockOfReplay.value = (await post('/v1/replay', change)) as Clock
    heardAt = performance.now()
    setPresent(() => timeOfReplay() ?? new Date())
    trouble.value = ''
  } catch (problem) {
    trouble.value = (problem as Error).message
  }
}

/** Its clock now, as far as the last answer and its speed say. */
export function timeOfReplay(): Date | null {
  const clock = clockOfReplay.value
  if (!clock) return null
  const times = clock.paused || clock.ended ? 0 : Number.parseFloat(clock.speed) || 0
  return new Date(Math.min(Date.parse(clock.to), Date.parse(clock.at) + (performance.now() - heardAt) * times))
}
