// The clients people use, unchanged: pusher-js, laravel-echo, and Pusher's server library.
import test, { before, after } from 'node:test'
import assert from 'node:assert/strict'
import Pusher from 'pusher-js'
import EchoModule from 'laravel-echo'
import Pusher7 from 'pusher-js-7'
import PusherServer from 'pusher'
import { reportActivity } from '../../docs/report-activity.mjs'
import { Server, app, auth, userAuth, until, sleep } from './server.mjs'

const Echo = EchoModule.default ?? EchoModule
let server, library
before(async () => {
  server = await Server.start({ settings: 'subscription_count = true\nclient_events_per_s = 100' })
  library = new PusherServer({ appId: app.id, key: app.key, secret: app.secret, host: '127.0.0.1', port: String(server.port), useTLS: false, encryptionMasterKeyBase64: Buffer.alloc(32, 7).toString('base64') })
})
const open = []
after(async () => { open.forEach((p) => p.disconnect()); await server.close() })
function client(user, extra = {}) {
  const pusher = new Pusher(app.key, {
    wsHost: '127.0.0.1', wsPort: server.port, forceTLS: false, cluster: '', enabledTransports: ['ws'],
    channelAuthorization: { customHandler: ({ socketId, channelName }, done) => {
      if (channelName.startsWith('presence-')) {
        done(null, library.authorizeChannel(socketId, channelName, { user_id: user, user_info: { name: user } }))
      } else done(null, library.authorizeChannel(socketId, channelName))
    } },
    userAuthentication: { customHandler: ({ socketId }, done) => done(null, library.authenticateUser(socketId, { id: user, watchlist: extra.watchlist })) },
    ...extra.options,
  })
  open.push(pusher)
  return pusher
}
const event = (target, name) => new Promise((done) => target.bind(name, done))

test('pusher-js connects and gets a socket id', async () => {
  const p = client('u1')
  await event(p.connection, 'connected')
  assert.match(p.connection.socket_id, /^\d+\.\d+$/)
})

test('an event of the server library arrives with its data unchanged', async () => {
  const p = client('u1')
  const channel = p.subscribe('news')
  await event(channel, 'pusher:subscription_succeeded')
  const got = event(channel, 'headline')
  await library.trigger('news', 'headline', { text: 'héllo ☃', big: 12345678901234567 })
  assert.deepEqual(await got, { text: 'héllo ☃', big: 12345678901234567 })
})

test('the sender is left out when it names its socket', async () => {
  const a = client('u1'), b = client('u2')
  const ca = a.subscribe('left-out'), cb = b.subscribe('left-out')
  await Promise.all([event(ca, 'pusher:subscription_succeeded'), event(cb, 'pusher:subscription_succeeded')])
  let seen = 0
  ca.bind('x', () => seen++)
  const got = event(cb, 'x')
  await library.trigger('left-out', 'x', {}, { socket_id: a.connection.socket_id })
  await got
  const marker = event(ca, 'y')
  await library.trigger('left-out', 'y', {})
  await marker
  assert.equal(seen, 0)
})

test('private channels, and a refusal that Echo can hear', async () => {
  const p = client('u1')
  await event(p.subscribe('private-room'), 'pusher:subscription_succeeded')
  const q = new Pusher(app.key, { wsHost: '127.0.0.1', wsPort: server.port, forceTLS: false, cluster: '', enabledTransports: ['ws'],
    channelAuthorization: { customHandler: (_, done) => done(null, { auth: `${app.key}:00` }) } })
  open.push(q)
  const error = await event(q.subscribe('private-room'), 'pusher:subscription_error')
  assert.equal(error.type, 'AuthError')
  assert.equal(error.status, 401)
})

test('a presence channel lists a user once, over two tabs', async () => {
  const a = client('ada'), ca = a.subscribe('presence-lobby')
  const members = await event(ca, 'pusher:subscription_succeeded')
  assert.equal(members.count, 1)
  assert.equal(members.me.id, 'ada')
  const added = [], removed = []
  ca.bind('pusher:member_added', (m) => added.push(m))
  ca.bind('pusher:member_removed', (m) => removed.push(m))
  const b1 = client('bob'), b2 = client('bob')
  await event(b1.subscribe('presence-lobby'), 'pusher:subscription_succeeded')
  await event(b2.subscribe('presence-lobby'), 'pusher:subscription_succeeded')
  await until(() => added.length === 1)
  assert.deepEqual(added[0], { id: 'bob', info: { name: 'bob' } })
  b1.disconnect()
  await sleep(150)
  assert.equal(removed.length, 0, 'the other tab is still there')
  b2.disconnect()
  await until(() => removed.length === 1)
  assert.equal(removed[0].id, 'bob')
  assert.equal(added.length, 1)
})

test('client events reach the others, with the sender told by the server', async () => {
  const a = client('ann'), b = client('ben')
  const ca = a.subscribe('presence-talk'), cb = b.subscribe('presence-talk')
  await Promise.all([event(ca, 'pusher:subscription_succeeded'), event(cb, 'pusher:subscription_succeeded')])
  const got = new Promise((done) => cb.bind('client-typing', (data, meta) => done([data, meta])))
  ca.trigger('client-typing', { on: true, n: 1.0 })
  const [data, meta] = await got
  assert.deepEqual(data, { on: true, n: 1 })
  assert.equal(meta.user_id, 'ann')
})

test('sign-in, a message to the user, and termination', async () => {
  const p = client('sid')
  p.signin()
  await until(() => p.user.user_data)
  const got = new Promise((done) => p.user.bind('hello', done))
  await until(async () => (await server.api('GET', '/channels')).json.channels['#server-to-user-sid'])
  await library.sendToUser('sid', 'hello', { n: 1 })
  assert.deepEqual(await got, { n: 1 })
  const state = new Promise((done) => p.connection.bind('disconnected', done))
  await library.terminateUserConnections('sid')
  await state
})

test('a watchlist tells who is online, and who goes', async () => {
  const watcher = client('wanda', { watchlist: ['vic', 'nobody'] })
  const events = []
  watcher.user.watchlist.bind('online', (e) => events.push(['online', e.user_ids]))
  watcher.user.watchlist.bind('offline', (e) => events.push(['offline', e.user_ids]))
  watcher.signin()
  await until(() => events.length > 0)
  assert.deepEqual(events[0], ['offline', ['vic', 'nobody']])
  const vic = client('vic')
  vic.signin()
  await until(() => events.some(([n, ids]) => n === 'online' && ids.includes('vic')))
  await server.v1('POST', '/logout', { body: { user: 'vic' } })
  await until(() => events.some(([n, ids]) => n === 'offline' && ids.includes('vic') && ids.length === 1))
})

test('cache channels give the last event, or say that there is none', async () => {
  const p = client('u1')
  const channel = p.subscribe('cache-prices')
  await event(channel, 'pusher:cache_miss')
  await library.trigger('cache-prices', 'price', { eur: 3 })
  const q = client('u2')
  assert.deepEqual(await event(q.subscribe('cache-prices'), 'price'), { eur: 3 })
  const { body } = await library.get({ path: '/channels/cache-prices', params: { info: 'cache' } }).then(async (r) => ({ body: await r.json() }))
  assert.equal(body.cache.data, '{"eur":3}')
  assert.ok(body.cache.ttl > 0)
})

test('encrypted channels are carried unread', async () => {
  const { default: PusherE } = await import('pusher-js/dist/node/pusher.js').catch(() => ({ default: Pusher }))
  const channel = 'private-encrypted-secrets'
  const p = client('u1')
  const c = p.subscribe(channel)
  await event(c, 'pusher:subscription_succeeded')
  const got = event(c, 'told')
  await library.trigger(channel, 'told', { n: 7 })
  assert.deepEqual(await got, { n: 7 })
  assert.ok(PusherE)
})

test('subscription counts are told as they change', async () => {
  const a = client('u1')
  const channel = a.subscribe('counted')
  await until(() => channel.subscriptionCount === 1)
  client('u2').subscribe('counted')
  await until(() => channel.subscriptionCount === 2)
})

test('the HTTP API answers what the library asks', async () => {
  const p = client('amy')
  await event(p.subscribe('presence-asked'), 'pusher:subscription_succeeded')
  await event(p.subscribe('plain-asked'), 'pusher:subscription_succeeded')
  const channels = await (await library.get({ path: '/channels', params: { filter_by_prefix: 'presence-', info: 'user_count' } })).json()
  assert.deepEqual(channels.channels['presence-asked'], { user_count: 1 })
  const one = await (await library.get({ path: '/channels/plain-asked', params: { info: 'subscription_count' } })).json()
  assert.deepEqual(one, { subscription_count: 1, occupied: true })
  const users = await (await library.get({ path: '/channels/presence-asked/users' })).json()
  assert.deepEqual(users, { users: [{ id: 'amy' }] })
  const info = await (await library.trigger('plain-asked', 'e', {}, { info: 'subscription_count' })).json()
  assert.deepEqual(info, { channels: { 'plain-asked': { subscription_count: 1 } } })
  const batch = await library.triggerBatch([{ channel: 'plain-asked', name: 'b1', data: {} }, { channel: 'presence-asked', name: 'b2', data: {}, info: 'user_count' }])
  assert.deepEqual(await batch.json(), { batch: [{}, { user_count: 1 }] })
})

test('Echo: join, here, joining, leaving, whisper and PresenceChanged', async () => {
  const make = (user) => new Echo({ broadcaster: 'reverb', key: app.key, wsHost: '127.0.0.1', wsPort: server.port, forceTLS: false, enabledTransports: ['ws'],
    Pusher, authorizer: (channel) => ({ authorize: (socketId, done) => {
      const data = channel.name.startsWith('presence-') ? JSON.stringify({ user_id: user, user_info: { id: user } }) : undefined
      done(null, { auth: auth(socketId, channel.name, data), ...(data ? { channel_data: data } : {}) })
    } }) })
  const a = make('eve')
  const seen = { here: null, joining: [], leaving: [], whisper: [], presence: [] }
  a.join('echo').here((users) => (seen.here = users)).joining((u) => seen.joining.push(u.id)).leaving((u) => seen.leaving.push(u.id)).listenForWhisper('typing', (d) => seen.whisper.push(d))
  a.private('presence').listen('.PresenceChanged', (e) => seen.presence.push(e))
  await until(() => seen.here)
  assert.deepEqual(seen.here, [{ id: 'eve' }])
  const b = make('finn')
  b.join('echo')
  await until(() => seen.joining.includes('finn'))
  await until(() => seen.presence.some((e) => e.user === 'finn' && e.state === 'online' && e.previous === 'offline' && e.cause === 'login'))
  b.join('echo').whisper('typing', { t: 1 })
  await until(() => seen.whisper.length === 1)
  b.disconnect()
  await until(() => seen.leaving.includes('finn'))
  a.disconnect()
})

test('pusher-js 7.6 connects, joins, and hears', async () => {
  const p = new Pusher7(app.key, { wsHost: '127.0.0.1', wsPort: server.port, forceTLS: false, cluster: 'x', enabledTransports: ['ws'],
    authorizer: (channel) => ({ authorize: (socketId, done) => done(null, library.authorizeChannel(socketId, channel.name, { user_id: 'old', user_info: {} })) }) })
  open.push(p)
  const channel = p.subscribe('presence-seven')
  assert.equal((await event(channel, 'pusher:subscription_succeeded')).count, 1)
  const got = event(channel, 'x')
  await library.trigger('presence-seven', 'x', { n: 1 })
  assert.deepEqual(await got, { n: 1 })
})

test('the snippet of the docs keeps a page\'s user active, and says when the page goes', async () => {
  const p = client('snip'), w = client('watch')
  const seen = []
  const watched = w.subscribe('private-presence.snip')
  await event(watched, 'pusher:subscription_succeeded')
  watched.bind('PresenceChanged', (e) => seen.push(e.state))
  p.signin()
  const channel = p.subscribe('private-presence.snip')
  await event(channel, 'pusher:subscription_succeeded')
  await until(() => seen.includes('online'))
  const page = new EventTarget()
  reportActivity(channel, { every: 0, page })
  page.dispatchEvent(new Event('pagehide'))
  await until(() => seen.at(-1) === 'away')
  page.dispatchEvent(new Event('keydown'))
  await until(() => seen.at(-1) === 'online')
})

test('a session named in user_info is one of its own: the user is here until both have ended', async () => {
  const a = await server.raw(), b = await server.raw()
  a.signIn({ id: 'devices', user_info: { session: 'phone' } }); b.signIn({ id: 'devices', user_info: { session: 'desk' } })
  await a.wait('pusher:signin_success'); await b.wait('pusher:signin_success')
  const rows = async () => JSON.parse((await server.cli('who', 'devices', '-o', 'ndjson')).out.split('\n')[0])
  assert.equal((await rows()).sessions, 2)
  assert.equal((await server.v1('POST', '/logout', { body: { user: 'devices', session: 'phone' } })).json.presence, 'online')
  assert.equal((await server.v1('POST', '/logout', { body: { user: 'devices', session: 'desk' } })).json.presence, 'offline')
  a.close(); b.close()
})
