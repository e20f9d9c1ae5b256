// A time axis that zooms and moves: wheel and drag, or + − ← → 0 on the keyboard.
import { scaleTime, type ScaleTime } from 'd3-scale'
import { select, type Selection } from 'd3-selection'
import { zoom, zoomIdentity, zoomTransform, type ZoomBehavior } from 'd3-zoom'
import { computed, onMounted, onUnmounted, ref, shallowRef, type Ref } from 'vue'

/** + and − zoom, the arrows move, 0 shows all of it again. */
export function zoomKeys(e: KeyboardEvent, behaviour: ZoomBehavior<SVGSVGElement, unknown>, target: Selection<SVGSVGElement, unknown, null, undefined>): void {
  const step = 60 / (target.node() ? zoomTransform(target.node()!).k : 1)
  const moves: Record<string, () => void> = {
    '+': () => behaviour.scaleBy(target, 1.5), '=': () => behaviour.scaleBy(target, 1.5), '-': () => behaviour.scaleBy(target, 1 / 1.5),
    ArrowLeft: () => behaviour.translateBy(target, step, 0), ArrowRight: () => behaviour.translateBy(target, -step, 0),
    ArrowUp: () => behaviour.translateBy(target, 0, step), ArrowDown: () => behaviour.translateBy(target, 0, -step),
    '0': () => behaviour.transform(target, zoomIdentity),
  }
  if (moves[e.key]) moves[e.key]!(), e.preventDefault()
}

export function useTimeAxis(svg: Ref<SVGSVGElement | null>, range: () => [Date, Date], height: number) {
  const width = ref(600)
  const transform = shallowRef(zoomIdentity)
  let behaviour: ZoomBehavior<SVGSVGElement, unknown>
  let watcher: ResizeObserver
  onMounted(() => {
    const target = select(svg.value!)
    behaviour = zoom<SVGSVGElement, unknown>().scaleExtent([1, 500]).on('zoom', (e: { transform: typeof zoomIdentity }) => (transform.value = e.transform))
    const fit = () => {
      width.value = Math.max(220, svg.value!.parentElement!.clientWidth)
      behaviour.extent([[0, 0], [width.value, height]]).translateExtent([[0, 0], [width.value, height]])
    }
    fit()
    target.call(behaviour)
    watcher = new ResizeObserver(fit)
    watcher.observe(svg.value!.parentElement!)
  })
  onUnmounted(() => watcher?.disconnect())
  const x = computed<ScaleTime<number, number>>(() => transform.value.rescaleX(scaleTime(range(), [0, width.value])))
  const ticks = computed(() => {
    const format = x.value.tickFormat(Math.max(2, Math.floor(width.value / 90)))
    return x.value.ticks(Math.max(2, Math.floor(width.value / 90))).map((t) => ({ at: x.value(t), text: format(t) }))
  })
  const key = (e: KeyboardEvent) => zoomKeys(e, behaviour, select(svg.value!))
  return { width, x, ticks, key, zoomed: computed(() => transform.value.k > 1.001) }
}
