// Tells rollcall that the user is active, or went away. `channel` is any private or presence channel that is
// subscribed to; both events are consumed by the server, not relayed.
export function reportActivity(channel, { every = 30_000, page = globalThis } = {}) {
  let last = 0
  const active = () => {
    if (page.document?.hidden || Date.now() - last < every) return
    last = Date.now()
    channel.trigger('client-rollcall-active', {})
  }
  // A page that was opened, or came back after a lost connection, is somebody being there.
  channel.bind?.('pusher:subscription_succeeded', () => { last = 0; active() })
  for (const event of ['pointerdown', 'keydown', 'scroll', 'visibilitychange'])
    page.addEventListener(event, active, { passive: true, capture: true })
  page.addEventListener('pagehide', () => channel.trigger('client-rollcall-away', {}))
}
