declare module '*/report-activity.mjs' {
  export function reportActivity(channel: { trigger(event: string, data: unknown): boolean }, options?: { every?: number }): void
}
declare module '*.vue' {
  import type { DefineComponent } from 'vue'
  const component: DefineComponent
  export default component
}
