// The moment the page is at: now and live, or a past one that everything on it answers for.
import { computed, shallowRef } from 'vue'
import { useRoute, useRouter } from 'vue-router'

/** Microseconds are cut to milliseconds; null is now. */
export const moment = shallowRef<Date | null>(null)

let clockOfPage = (): Date => new Date()
/** What time it is for whoever looks: of a server that plays the past, there. */
export const present = (): Date => clockOfPage()
export const setPresent = (clock: () => Date): void => void (clockOfPage = clock)

export function useMoment() {
  const route = useRoute()
  const router = useRouter()
  return {
    past: computed(() => moment.value !== null),
    go(at: Date | null) {
      moment.value = at
      const { at: _, ...rest } = route.query
      void router.replace({ query: at ? { ...rest, at: at.toISOString() } : rest })
    },
  }
}

export const clock = (at: string | Date): string => new Date(at).toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit' })
export const dateAndTime = (at: string | Date): string =>
  new Date(at).toLocaleString(undefined, { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit', second: '2-digit' })

/** "3 min ago", counted from `now`. */
export function ago(at: string, now: number): string {
  const s = Math.max(0, Math.round((now - Date.parse(at)) / 1000))
  if (s < 10) return 'just now'
  if (s < 60) return `${s} s ago`
  if (s < 3600) return `${Math.floor(s / 60)} min ago`
  if (s < 86_400) return `${Math.floor(s / 3600)} h ago`
  return dateAndTime(at)
}
