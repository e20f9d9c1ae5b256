// The wire, row by row: users who sign in, watchlists, terminations, caches and counts.
import test, { after, before } from 'node:test'
import assert from 'node:assert/strict'
import WebSocket from 'ws'
import { Server, app, auth, until, userAuth } from './server.mjs'

let server
before(async () => {
  server = await Server.start({ settings: 'client_events_per_s = 10\nactivity_timeout = 120\nmessage_max = 20000' })
})
after(() => server.close())
const closeOf = async (raw) => (await raw.closed).code

// -- users --

test('sign-in: the same string comes back; a bad one is 4009 and leaves the connection open', async () => {
  const c = await server.raw()
  c.send('pusher:signin', { auth: 'x', user_data: '{"id":"u"}' })
  assert.equal((await c.wait('pusher:error')).data.code, 4009)
  const numeric = '{"id":5}'
  c.send('pusher:signin', { auth: userAuth(c.id, numeric), user_data: numeric })
  await until(() => c.all('pusher:error').length === 2)
  const data = '{"id":"u1", "user_info":{"b":1,"a":2}}'
  c.send('pusher:signin', { auth: userAuth(c.id, data), user_data: data })
  assert.equal((await c.wait('pusher:signin_success')).data.user_data, data)
  c.signIn('somebody-else')
  await until(() => c.all('pusher:error').length === 3)
  assert.equal(c.ws.readyState, WebSocket.OPEN)
  c.close()
})
test('#server-to-user: only one\'s own, and only signed in', async () => {
  const c = await server.raw()
  c.subscribe('#server-to-user-me')
  await c.wait('pusher:subscription_error', '#server-to-user-me')
  c.signIn('me'); await c.wait('pusher:signin_success')
  c.subscribe('#server-to-user-you')
  await c.wait('pusher:subscription_error', '#server-to-user-you')
  c.subscribe('#server-to-user-me')
  await c.wait('pusher_internal:subscription_succeeded', '#server-to-user-me')
  await server.trigger('#server-to-user-me', 'note', '"hi"')
  assert.equal((await c.wait('note')).channel, '#server-to-user-me')
  c.close()
})
test('termination closes every connection of the user with 4009, and logs them out at once', async () => {
  const a = await server.raw(), b = await server.raw(), other = await server.raw()
  a.signIn('gone'); b.signIn('gone'); other.signIn('stays')
  await Promise.all([a, b, other].map((c) => c.wait('pusher:signin_success')))
  assert.equal((await server.api('POST', '/users/gone/terminate_connections', { body: {} })).status, 200)
  assert.equal(await closeOf(a), 4009); assert.equal(await closeOf(b), 4009)
  assert.equal(other.ws.readyState, WebSocket.OPEN)
  await until(async () => (await server.v1('GET', '/presence/gone')).json.state === 'offline')
  other.close()
})
test('a watchlist over its limit: the first are watched, and 4302 says so', async () => {
  const c = await server.raw()
  c.signIn({ id: 'w', watchlist: Array.from({ length: 101 }, (_, i) => `p${i}`) })
  await c.wait('pusher:signin_success')
  assert.equal((await c.wait('pusher:error')).data.code, 4302)
  const state = JSON.parse((await c.wait('pusher_internal:watchlist_events')).data).events
  assert.equal(state[0].name, 'offline')
  assert.equal(state[0].user_ids.length, 100)
  c.close()
})
test('watchlists follow the engine: away besides online, offline only at the end of the grace', async () => {
  const s = await Server.start({ settings: '[apps.policy]\nidle_after_ms = 800\ngrace_clean = 1\ngrace_abort = 1' })
  const w = await s.raw()
  w.signIn({ id: 'w', watchlist: ['x'] })
  const names = () => w.all('pusher_internal:watchlist_events').flatMap((m) => JSON.parse(m.data).events.map((e) => e.name))
  await until(() => names().length === 1)
  const x = await s.raw(); x.signIn('x')
  await until(() => names().includes('online'))
  await until(() => names().includes('away'), 'away', 3000)
  x.kill()
  const at = Date.now()
  await until(() => names().filter((n) => n === 'offline').length === 2, 'offline', 4000)
  assert.ok(Date.now() - at > 800, 'not before the grace')
  await s.close()
})
test('one that must sign in and does not is closed with 4009', async () => {
  const s = await Server.start({ settings: 'sign_in_within = 1' })
  const c = await s.raw(), d = await s.raw()
  d.signIn('d')
  assert.equal(await closeOf(c), 4009)
  assert.equal(d.ws.readyState, WebSocket.OPEN)
  await s.close()
})
test('a disabled app is 4003, a full one 4004, one for TLS only 4000', async () => {
  for (const [setting, code] of [['enabled = false', 4003], ['connections_max = 1', 4004], ['tls_only = true', 4000]]) {
    const s = await Server.start({ settings: setting })
    if (code === 4004) await s.raw()
    assert.equal(await closeOf(await s.raw()), code)
    await s.close()
  }
})

// -- caches and counts --

test('client events are not cached, and a cache outlives its last subscriber until its time', async () => {
  const s = await Server.start({ settings: 'cache_ttl = 1' })
  const a = await s.raw(), b = await s.raw()
  await a.subscribed('private-cache-c'); await b.subscribed('private-cache-c')
  a.send('client-e', {}, 'private-cache-c')
  await b.wait('client-e')
  const c = await s.raw()
  await c.subscribed('private-cache-c')
  await c.wait('pusher:cache_miss')
  await s.trigger('cache-k', 'e', '1')
  const d = await s.raw()
  await d.subscribed('cache-k'); await d.wait('e')
  const cached = async () => (await s.api('GET', '/channels/cache-k', { query: { info: 'cache' } })).json.cache
  assert.equal((await cached()).data, '1')
  await until(async () => (await cached()) === null, 'the cache has run out')
  const e = await s.raw()
  await e.subscribed('cache-k'); await e.wait('pusher:cache_miss')
  await s.close()
})
test('subscription counts come as the number changes, never on presence channels', async () => {
  const s = await Server.start({ settings: 'subscription_count = true' })
  const a = await s.raw(), b = await s.raw()
  await a.subscribed('n'); await b.subscribed('n')
  await until(() => a.all('pusher_internal:subscription_count', 'n').length === 2)
  b.close()
  await until(() => a.all('pusher_internal:subscription_count', 'n').length === 3)
  assert.deepEqual(a.all('pusher_internal:subscription_count').map((m) => JSON.parse(m.data).subscription_count), [1, 2, 1])
  await a.subscribed('presence-n', { user_id: 'a' }); await a.settled()
  assert.ok(!a.find('pusher_internal:subscription_count', 'presence-n'))
  await s.close()
})
