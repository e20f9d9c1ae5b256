// The past as a live server: the clients of the present, on `rollcall replay --listen`.
import test, { after, before } from 'node:test'
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { readFileSync, statSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Pusher from 'pusher-js'
import EchoModule from 'laravel-echo'
import { Raw, Server, app, run, scratch, sign, until } from './server.mjs'

const Echo = EchoModule.default ?? EchoModule
const minute = 60_000, begin = Date.UTC(2026, 0, 12, 9)
const at = (ms) => new Date(ms).toISOString()
const open = [], servers = []
after(async () => { open.forEach((p) => p.disconnect()); for (const s of servers) await s.stop() })

let data, transitions, auditor, watcher, jwtSecret = 'c2VjcmV0LW9mLXRoZS1zaXRlLTMyLWJ5dGVzLWxvbmch'
before(async () => {
  data = scratch()
  // Live first: who is in which channel and what was said is logged by the server alone.
  const server = await Server.start({ data, settings: `[[apps.jwt]]\nalgorithm = "HS256"\nkey = "${jwtSecret}"\naudience = "rollcall"\nissuer = "https://site.example"` })
  const say = async (path, body) => { const r = await server.v1('POST', path, { body }); assert.equal(r.status, 200, r.text) }
  const ada = await server.raw(), bob = await server.raw()
  await ada.subscribed('presence-room.lobby', { user_id: 'ada', user_info: { id: 'ada' } })
  await bob.subscribed('presence-room.lobby', { user_id: 'bob' })
  await say('/activity', { user: 'ada', action: 'message.posted', target_type: 'room', target_id: 'lobby', description: 'good morning' })
  for (let i = 0; i < 40; i++) {
    await say('/login', { user: `user${i % 7}`, session: 's' })
    if (i % 3 === 0) await say('/activity', { user: `user${i % 7}`, session: 's', action: 'order.paid' })
    if (i % 2 === 1) await say('/logout', { user: `user${i % 7}`, session: 's' })
  }
  await say('/status', { user: 'bob', as: 'away', text: 'lunch' })
  bob.kill()
  await say('/logout', { user: 'bob' })
  ada.close()
  await server.stop()
  auditor = (await run(['-d', data, 'token', 'create', 'auditor', '--scope', 'audit:read', '--app', app.id])).out.trim().split(/\s+/).at(-1)
  watcher = (await run(['-d', data, 'token', 'create', 'watcher', '--scope', 'presence:read', '--app', app.id])).out.trim().split(/\s+/).at(-1)
  const told = await run(['-d', data, 'timeline', '-o', 'ndjson'])
  transitions = told.out.trim().split('\n').map((line) => JSON.parse(line)).filter((row) => row.from)
  assert.ok(transitions.length > 30, told.err)
})

async function play(args = [], options) {
  const server = await Server.replay(data, ['--step', '--speed', '60x', ...args], options)
  server.token = auditor
  servers.push(server)
  return server
}
const clock = async (server, body = {}) => {
  const r = await server.v1('POST', '/replay', { body })
  assert.equal(r.status, 200, r.text)
  return r.json
}
const ended = (server) => until(async () => (await clock(server)).ended, 'the end of the replay', 60_000)
function client(server, token = auditor) {
  const pusher = new Pusher(app.key, { wsHost: '127.0.0.1', wsPort: server.port, forceTLS: false, cluster: '', enabledTransports: ['ws'],
    channelAuthorization: { endpoint: `${server.url}/broadcasting/auth`, transport: 'ajax', customHandler: async ({ socketId, channelName }, done) => {
      const r = await server.request('POST', '/broadcasting/auth', { body: `socket_id=${socketId}&channel_name=${encodeURIComponent(channelName)}`,
        headers: { 'content-type': 'application/x-www-form-urlencoded', authorization: `Bearer ${token}` } })
      if (r.status === 200) done(null, r.json); else done(new Error(r.text), null)
    } } })
  open.push(pusher)
  return pusher
}
const event = (target, name) => new Promise((done) => target.bind(name, done))
const edge = (t) => [t.seq, t.at, t.user, t.from, t.to]

test('pusher-js hears exactly the changes of `timeline`, in order, each with its seq, as a replay', async () => {
  const server = await play()
  const p = client(server), channel = p.subscribe('private-presence'), heard = []
  channel.bind('PresenceChanged', (d) => heard.push([d.seq, d.at, d.user, d.previous, d.state]))
  await event(channel, 'pusher:subscription_succeeded')
  await clock(server, { paused: false })
  await ended(server)
  await until(() => heard.length >= transitions.length, 'the last change')
  assert.deepEqual(heard, transitions.map(edge))
})

test('frames of a replay say so beside their seq; Echo hears members come and go, and what was said', async () => {
  const server = await play(['--speed', 'max'])
  const raw = await Raw.open(`ws://127.0.0.1:${server.port}/app/${app.key}?protocol=7&client=js&version=8.6.0`)
  const authorized = (await server.request('POST', '/broadcasting/auth', { body: JSON.stringify({ socket_id: raw.id, channel_name: 'private-presence' }),
    headers: { 'content-type': 'application/json', authorization: `Bearer ${auditor}` } })).json
  raw.send('pusher:subscribe', { channel: 'private-presence', auth: authorized.auth })
  await raw.wait('pusher_internal:subscription_succeeded')
  const pusher = client(server), heard = []
  const echo = new Echo({ broadcaster: 'pusher', key: app.key, client: pusher })
  const here = new Promise((done) => echo.join('room.lobby').here(done)
    .joining((m) => heard.push(`+${m.id}`)).leaving((m) => heard.push(`-${m.id}`)).listen('.MessagePosted', (m) => heard.push(`${m.user}: ${m.text}`)))
  assert.deepEqual(await here, [], 'nobody was there yet, and who listens is nobody')
  await clock(server, { paused: false })
  await ended(server)
  await until(() => heard.length >= 5, `five things of the room, not ${heard}`)
  assert.deepEqual(heard, ['+ada', '+bob', 'ada: good morning', '-bob', '-ada'])
  const numbered = raw.messages.filter((m) => m.seq !== undefined)
  assert.ok(numbered.length >= transitions.length)
  assert.ok(numbered.every((m) => m.replay === true), JSON.stringify(numbered.find((m) => m.replay !== true)))
})

test('only a token with audit:read opens it, for reading alone', async () => {
  const server = await play()
  const jwt = (claims) => {
    const part = (o) => Buffer.from(JSON.stringify(o)).toString('base64url')
    const text = `${part({ alg: 'HS256', typ: 'JWT' })}.${part(claims)}`
    return `${text}.${createHmac('sha256', jwtSecret).update(text).digest('base64url')}`
  }
  const person = jwt({ sub: 'ada', aud: 'rollcall', iss: 'https://site.example', scope: 'audit:read', exp: Math.floor(Date.now() / 1000) + 600 })
  assert.equal((await server.v1('GET', '/presence', { token: person })).status, 401, 'a person’s JWT')
  assert.equal((await server.v1('GET', '/presence', { token: watcher })).status, 401, 'a token without audit:read')
  assert.equal((await server.v1('GET', '/presence', { token: null })).status, 401, 'nothing at all')
  assert.equal((await server.api('GET', '/channels')).status, 401, 'the app’s own secret')
  assert.equal((await server.trigger('news', 'x', {})).status, 401)
  const raw = await Raw.open(`ws://127.0.0.1:${server.port}/app/${app.key}?protocol=7&client=js&version=8.6.0`)
  raw.subscribe('private-presence') // signed by hand with the app's secret
  assert.equal((await raw.wait('pusher:subscription_error')).data.status, 401)
  const watch = await run(['-d', data, 'token', 'watch', 'ada'])
  const shown = await server.request('POST', '/v1/watch', { body: JSON.stringify({ token: watch.out.trim().split(/\s+/).at(-1) }), headers: { 'content-type': 'application/json' } })
  assert.equal(shown.status, 403, shown.text)
  for (const [method, path, body] of [['POST', '/login', { user: 'eve' }], ['POST', '/logout', { user: 'ada' }], ['POST', '/activity', { user: 'ada', action: 'x.y' }],
    ['POST', '/status', { user: 'ada', as: 'away' }], ['POST', '/checkpoint', {}], ['POST', '/forget', { user: 'ada' }]]) {
    const r = await server.v1(method, path, { body })
    assert.ok([403, 404, 405].includes(r.status), `${path}: ${r.status} ${r.text}`)
  }
  assert.equal((await server.v1('GET', '/presence')).status, 200)
  const login = await server.request('POST', '/login', { body: `token=${person}`, headers: { 'content-type': 'application/x-www-form-urlencoded' } })
  assert.equal(login.status, 401)
})

test('it is logged as one read with its range, and nothing else is written', async () => {
  const events = async () => JSON.parse((await run(['-d', data, 'store', 'info', '-o', 'json'])).out)
  const stored = () => readdirSync(data).sort().join(' ')
  const before = await events(), files = stored()
  const server = await play(['--from', 'seq:3', '--to', 'seq:20'], { reason: 'case 9' })
  await clock(server, { paused: false })
  await ended(server)
  await server.stop()
  const after = await events()
  const count = (e) => (Array.isArray(e) ? e[0] : e).events
  assert.equal(count(after), count(before) + 1)
  const read = JSON.parse((await run(['-d', data, 'audit', 'queries', '-o', 'ndjson'])).out.trim().split('\n').at(-1))
  assert.match(JSON.stringify(read), /case 9/)
  assert.match(JSON.stringify(read), /seq:3.*seq:20/)
  assert.equal(stored(), files)
})

test('a hundred moves back and forth end in the state of a fresh start', async () => {
  const a = await play(), b = await play()
  const last = transitions.at(-1).seq, places = [3, last, Math.floor(last / 2), 9, last - 4]
  for (let i = 0; i < 100; i++) await clock(a, { at: `seq:${places[i % places.length]}` })
  const state = async (server) => JSON.stringify((await server.v1('GET', '/presence')).json)
  for (const seq of [5, Math.floor(last / 2), last]) {
    await clock(a, { at: `seq:${seq}` }); await clock(b, { at: `seq:${seq}` })
    assert.equal((await clock(a)).seq, seq)
    assert.equal(await state(a), await state(b))
    const list = async (server) => (await server.v1('GET', `/presence?at=seq:${seq}`)).json
    assert.deepEqual(await list(a), await list(b))
  }
})

test('whoever asks hears of nothing that is still to come', async () => {
  const server = await play()
  const half = Math.floor(transitions.at(-1).seq / 2)
  await clock(server, { at: `seq:${half}` })
  const events = (await server.v1('GET', '/events?limit=500')).json.events
  assert.ok(events.length > 0 && events.every((e) => e.seq <= half))
  assert.equal((await server.v1('GET', '/log')).json.size, half)
  assert.equal((await server.v1('GET', `/events/${half + 1}`)).status, 404)
})

test('beside the live server of the same store: the read is in its log, and who is forgotten there is gone here', async () => {
  const live = await Server.start()
  await live.v1('POST', '/login', { body: { user: 'mallory' } })
  await live.v1('POST', '/login', { body: { user: 'ada' } })
  const token = (await run(['-d', live.data, 'token', 'create', 'auditor', '--scope', 'audit:read', '--app', app.id])).out.trim().split(/\s+/).at(-1)
  const server = await Server.replay(live.data, ['--speed', 'max'], { reason: 'case 11' })
  server.token = token
  servers.push(server)
  await ended(server)
  const names = async () => (await server.v1('GET', '/presence?state=any')).json.people.map((p) => p.user).sort()
  assert.deepEqual(await names(), ['ada', 'mallory'])
  const queries = await live.cli('audit', 'queries', '-o', 'ndjson')
  assert.match(queries.out, /case 11/)
  const forgotten = await live.cli('--reason', 'asked', 'forget', 'mallory', '--yes', '--receipt', join(scratch(), 'receipt'))
  assert.equal(forgotten.code, 0, forgotten.err)
  await until(async () => !(await names()).includes('mallory'), 'the name is gone')
  assert.doesNotMatch((await server.v1('GET', '/events')).text, /mallory/)
  await server.stop()
  await live.close()
})

test('where reads need a reason, a replay needs one to begin', async () => {
  const store = scratch()
  await run(['-d', store, 'login', 'ada'])
  assert.equal((await run(['-d', store, 'store', 'reads', 'reason'])).code, 0)
  const refused = await run(['-d', store, 'replay', '--listen', '127.0.0.1:0'])
  assert.equal(refused.code, 3, refused.err)
  assert.match(refused.err, /reason/)
  for (const wrong of [['--listen', 'nonsense'], ['--listen', '127.0.0.1:0', '--check'], ['--listen', '127.0.0.1:0', '-u', 'ada'], ['--listen', '127.0.0.1:0', '--speed', '60']]) {
    const said = await run(['-d', store, 'replay', ...wrong])
    assert.equal(said.code, 2, `${wrong}: ${said.err}`)
  }
  const empty = await run(['-d', store, '--reason', 'x', 'replay', '--listen', '127.0.0.1:0', '--from', '2200-01-01'])
  assert.equal(empty.code, 1, empty.err)
  assert.match(empty.err, /nothing happened in that range/)
})

test('a live server has no replay to set', async () => {
  const server = await Server.start()
  const r = await server.v1('POST', '/replay', { body: { paused: true } })
  assert.equal(r.status, 404)
  assert.match(r.text, /replay --listen/)
  await server.close()
})
