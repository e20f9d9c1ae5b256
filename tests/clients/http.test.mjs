// The HTTP API with its signatures, webhooks, the auth endpoints, /v1, and the security rules.
import test, { before, after } from 'node:test'
import assert from 'node:assert/strict'
import http from 'node:http'
import { createHmac, createPrivateKey, createPublicKey, generateKeyPairSync, sign as cryptoSign } from 'node:crypto'
import { statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import WebSocket from 'ws'
import { Server, Raw, app, auth, scratch, sign, until, sleep, run } from './server.mjs'

let server
const received = []
let hook, hookFails = 0
const jwtSecret = 'a-shared-secret-of-the-site'
const keys = generateKeyPairSync('rsa', { modulusLength: 2048 })
const pem = keys.publicKey.export({ type: 'spki', format: 'pem' })
before(async () => {
  hook = http.createServer((req, res) => {
    let body = ''
    req.on('data', (d) => (body += d))
    req.on('end', () => {
      if (hookFails > 0) { hookFails--; res.statusCode = 500; return res.end() }
      received.push({ headers: req.headers, body, json: JSON.parse(body) })
      res.end('{}')
    })
  })
  await new Promise((done) => hook.listen(0, '127.0.0.1', done))
  const dir = scratch()
  writeFileSync(join(dir, 'rsa.pem'), pem)
  server = await Server.start({
    top: 'hosts = ["presence.example"]\norigins = ["https://site.example"]',
    settings: `subscription_count = true
[[apps.webhooks]]
url = "http://127.0.0.1:${hook.address().port}/hook"
[[apps.jwt]]
algorithm = "HS256"
key = "${jwtSecret}"
audience = "rollcall"
issuer = "https://site.example"
[[apps.jwt]]
algorithm = "RS256"
key_file = "${join(dir, 'rsa.pem')}"
audience = "rollcall"
issuer = "https://idp.example"
[[apps.channels]]
pattern = "presence-open-*"
[[apps.channels]]
pattern = "private-staff"
users = ["boss"]
[[apps.channels]]
pattern = "private-user.{user}"`,
  })
})
after(async () => { await server.close(); hook.close(); hook.closeAllConnections() })

// -- the HTTP API --

test('the vectors of the signatures', () => {
  const secret = '7ad3773142a6692b25b8'
  assert.equal(sign('1234.1234:private-foobar', secret), '58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4')
})
test('answers are 200 and an object, also for nobody', async () => {
  const r = await server.trigger('nobody', 'e', '{}')
  assert.deepEqual([r.status, r.text], [200, '{}'])
  assert.deepEqual((await server.api('GET', '/channels')).json, { channels: {} })
  assert.deepEqual((await server.api('GET', '/channels/none')).json, { occupied: false })
  assert.deepEqual((await server.api('GET', '/channels/presence-none/users')).json, { users: [] })
})
test('data bytes pass through unchanged, at the edge of the size, and 413 beyond', async () => {
  const c = await server.raw()
  await c.subscribed('bytes')
  const data = '{"b":1,"a":1.10,"big":123456789012345678901,"u":"\\u00e9é☃"}'
  await server.trigger('bytes', 'e', data)
  assert.equal((await c.wait('e')).data, data)
  const edge = 'x'.repeat(10240)
  assert.equal((await server.trigger('bytes', 'edge', edge)).status, 200)
  assert.equal((await c.wait('edge')).data, edge)
  assert.equal((await server.trigger('bytes', 'over', edge + 'x')).status, 413)
  c.close()
})
for (const [what, body] of [
  ['no name', { channel: 'a', data: '1' }], ['no channel', { name: 'e', data: '1' }], ['no data', { name: 'e', channel: 'a' }],
  ['data no string', { name: 'e', channel: 'a', data: {} }], ['a reserved name', { name: 'pusher:x', channel: 'a', data: '1' }],
  ['another reserved name', { name: 'pusher_internal:x', channel: 'a', data: '1' }], ['a long name', { name: 'e'.repeat(201), channel: 'a', data: '1' }],
  ['a bad channel', { name: 'e', channel: 'a b', data: '1' }], ['no channels', { name: 'e', channels: [], data: '1' }],
  ['101 channels', { name: 'e', channels: Array.from({ length: 101 }, (_, i) => `c${i}`), data: '1' }],
  ['a malformed socket', { name: 'e', channel: 'a', data: '1', socket_id: 'x' }], ['two encrypted channels', { name: 'e', channels: ['private-encrypted-a', 'private-encrypted-b'], data: '1' }],
  ['a list', []], ['no JSON', '{'],
]) test(`an event with ${what} is 400, in one sentence`, async () => {
  const r = await server.api('POST', '/events', { body })
  assert.equal(r.status, 400, r.text)
  assert.ok(r.json.detail.length > 5)
})
test('100 channels are published to; an unknown socket is ignored', async () => {
  const r = await server.api('POST', '/events', { body: { name: 'e', channels: Array.from({ length: 100 }, (_, i) => `c${i}`), data: '1', socket_id: '99999999999.1' } })
  assert.equal(r.status, 200, r.text)
})
test('a batch is checked whole before any of it is sent', async () => {
  const c = await server.raw()
  await c.subscribed('batch')
  const one = { name: 'e', channel: 'batch', data: '1' }
  assert.equal((await server.api('POST', '/batch_events', { body: { batch: [one, { name: 'x' }] } })).status, 400)
  assert.equal((await server.api('POST', '/batch_events', { body: { batch: Array(11).fill(one) } })).status, 400)
  await c.settled()
  assert.equal(c.all('e').length, 0)
  assert.equal((await server.api('POST', '/batch_events', { body: { batch: Array(10).fill(one) } })).status, 200)
  await until(() => c.all('e').length === 10)
  c.close()
})
test('the engine\'s channels are its own', async () => {
  for (const channel of ['private-presence', 'private-presence.ada'])
    assert.equal((await server.trigger(channel, 'PresenceChanged', '{}')).status, 403)
})
test('signatures: each check in its order, and a captured request runs out', async () => {
  const now = Math.floor(Date.now() / 1000)
  const body = { name: 'e', channel: 'a', data: '1' }
  const status = async (options) => (await server.api('POST', '/events', { body, ...options })).status
  assert.equal(await status({}), 200)
  assert.equal(await status({ at: now - 599 }), 200)
  assert.equal(await status({ at: now - 602 }), 401)
  assert.equal(await status({ at: now + 602 }), 401)
  assert.equal(await status({ key: 'other' }), 401)
  assert.equal(await status({ secret: 'other' }), 401)
  assert.equal(await status({ change: (text) => text.replace('"1"', '"2"') }), 401)
  assert.equal((await server.request('POST', '/apps/nope/events')).status, 404)
  assert.equal((await server.request('GET', `/apps/${app.id}/channels`)).status, 401)
  assert.equal((await server.api('DELETE', '/channels')).status, 405)
  assert.equal((await server.api('GET', '/nothing')).status, 404)
})
test('a percent-encoded comma and a name in the path verify', async () => {
  const c = await server.raw()
  await c.subscribed('presence-a,b', { user_id: 'u@x' })
  const r = await server.api('GET', '/channels', { query: { filter_by_prefix: 'presence-', info: 'user_count,subscription_count' } })
  assert.equal(r.status, 200, r.text)
  assert.equal(r.json.channels['presence-a,b'].user_count, 1)
  assert.equal((await server.api('GET', '/channels/presence-a,b', { query: { info: 'user_count' } })).json.user_count, 1)
  assert.deepEqual((await server.api('GET', '/connections')).json, { connections: 1 })
  c.close()
})
test('a path prefix stands in front of everything and is not signed', async () => {
  const s = await Server.start({ top: 'path = "/ws"' })
  const c = await Raw.open(`ws://127.0.0.1:${s.port}/ws/app/${app.key}?protocol=7`)
  assert.ok(c.id)
  const full = await s.api('GET', '/channels')
  assert.equal(full.status, 200)
  await s.close()
})

// -- webhooks --

const events = (name, channel) => received.flatMap((r) => r.json.events).filter((e) => e.name === name && (!channel || e.channel === channel))
test('webhooks are signed, and tell of channels, members, client events, misses and counts', async () => {
  const a = await server.raw(), b = await server.raw()
  await a.subscribed('presence-hook', { user_id: 'ha' }); await b.subscribed('presence-hook', { user_id: 'hb' })
  await a.subscribed('cache-hook'); await a.subscribed('private-hook')
  a.send('client-x', { n: 1 }, 'presence-hook')
  await until(() => events('member_added', 'presence-hook').length === 2 && events('client_event', 'presence-hook').length === 1 && events('cache_miss', 'cache-hook').length === 1 && events('subscription_count', 'private-hook').length === 1)
  const client = events('client_event', 'presence-hook')[0]
  assert.deepEqual([client.event, client.user_id, client.socket_id, JSON.parse(client.data)], ['client-x', 'ha', a.id, { n: 1 }])
  assert.equal(events('channel_occupied', 'presence-hook').length, 1)
  for (const r of received) {
    assert.equal(r.headers['x-pusher-key'], app.key)
    assert.equal(r.headers['x-pusher-signature'], createHmac('sha256', app.secret).update(r.body).digest('hex'))
    assert.match(r.headers['content-type'], /application\/json/)
  }
  b.close()
  await sleep(600)
  const back = await server.raw()
  await back.subscribed('presence-hook', { user_id: 'hb' })  // within three seconds: nothing happened
  await sleep(3600)
  assert.equal(events('member_removed', 'presence-hook').length, 0)
  back.close(); a.close()
  await until(() => events('member_removed', 'presence-hook').length === 2, 'member_removed', 9000)
  await until(() => events('channel_vacated', 'presence-hook').length === 1, 'channel_vacated', 9000)
  assert.equal(events('member_added', 'presence-hook').length, 2)
})
test('a webhook that fails is told again', async () => {
  hookFails = 2
  const a = await server.raw()
  await a.subscribed('presence-retry', { user_id: 'r' })
  await until(() => events('member_added', 'presence-retry').length === 1, 'the retry', 12000)
  a.close()
})

// -- /v1 --

test('C10: a login repeated under the same key is the first answer; another request under it is 422', async () => {
  const login = (body, key) => server.v1('POST', '/login', { body, headers: { 'idempotency-key': key } })
  const first = await login({ user: 'idem' }, 'k1')
  const again = await login({ user: 'idem' }, 'k1')
  assert.equal(first.status, 200)
  assert.deepEqual({ ...again.json, repeated: undefined }, { ...first.json, repeated: undefined })
  assert.equal(again.json.repeated, true)
  assert.equal((await login({ user: 'other' }, 'k1')).status, 422)
  const seq = (await server.v1('GET', '/presence')).json.seq
  await login({ user: 'idem' }, 'k1')
  assert.equal((await server.v1('GET', '/presence')).json.seq, seq, 'nothing was appended')
})
test('bad input gets one clear sentence; a session that is not open is refused', async () => {
  for (const [path, body, status] of [['/login', {}, 422], ['/login', { user: '' }, 422], ['/login', { user: 'a\u0001' }, 422], ['/login', { user: 'a', nope: 1 }, 422], ['/login', [], 400],
    ['/activity', { user: 'idem', action: 'NOT OK' }, 422], ['/activity', { user: 'never-seen' }, 404], ['/activity', { user: 'idem', session: 'no' }, 409], ['/status', { user: 'idem', as: 'x' }, 422]]) {
    const r = await server.v1('POST', path, { body })
    assert.equal(r.status, status, `${path} ${JSON.stringify(body)}: ${r.text}`)
    assert.ok(r.json.detail)
  }
})
// -- who may --

const b64 = (x) => Buffer.from(typeof x === 'string' ? x : JSON.stringify(x)).toString('base64url')
const claims = (more = {}) => ({ sub: 'jo', aud: 'rollcall', iss: 'https://site.example', exp: Math.floor(Date.now() / 1000) + 60, ...more })
const hs = (payload, secret = jwtSecret, header = { alg: 'HS256' }) => { const t = `${b64(header)}.${b64(payload)}`; return `${t}.${createHmac('sha256', secret).update(t).digest('base64url')}` }
const rs = (payload) => { const t = `${b64({ alg: 'RS256' })}.${b64(payload)}`; return `${t}.${cryptoSign('sha256', Buffer.from(t), keys.privateKey).toString('base64url')}` }
const me = (token) => server.v1('GET', '/presence/jo', { token })
test('JWTs: signature, expiry, audience, issuer', async () => {
  await server.v1('POST', '/login', { body: { user: 'jo' } })
  assert.equal((await me(hs(claims()))).status, 200)
  assert.equal((await me(rs(claims({ iss: 'https://idp.example' })))).status, 200)
  for (const bad of [hs(claims(), 'wrong'), hs(claims({ exp: 1 })), hs(claims({ exp: undefined })), hs(claims({ aud: 'other' })), hs(claims({ aud: undefined })), hs(claims({ iss: 'x' })), hs(claims({ nbf: 9999999999 })), hs(claims({ sub: '' })), 'a.b.c', 'x', ''])
    assert.equal((await me(bad || 'none')).status, 401, bad)
})
test('a swapped algorithm opens nothing: none, and HMAC under the public key', async () => {
  const none = `${b64({ alg: 'none' })}.${b64(claims())}.`
  assert.equal((await me(none)).status, 401)
  assert.equal((await me(hs(claims({ iss: 'https://idp.example' }), pem))).status, 401)
  assert.equal((await me(hs(claims(), jwtSecret, { alg: 'RS256' }))).status, 401)
  assert.equal((await me(hs(claims(), jwtSecret, { alg: 'HS384' }))).status, 401)
})
test('a person\'s token writes for that person alone', async () => {
  assert.equal((await server.v1('POST', '/login', { body: { user: 'jo' }, token: hs(claims()) })).status, 200)
  assert.equal((await server.v1('POST', '/login', { body: { user: 'somebody' }, token: hs(claims()) })).status, 403)
})
test('tokens have scopes, and no token is nobody', async () => {
  const make = async (...scopes) => (await run(['-d', server.data, 'token', 'create', `t-${scopes.join('-').replaceAll(':', '')}`, ...scopes.flatMap((s) => ['--scope', s])])).out.trim()
  const reader = await make('presence:read'), writer = await make('events:write')
  assert.equal((await server.v1('GET', '/presence', { token: reader })).status, 200)
  assert.equal((await server.v1('POST', '/login', { body: { user: 'x' }, token: reader })).status, 403)
  assert.equal((await server.v1('GET', '/presence', { token: writer })).status, 403)
  assert.equal((await server.v1('GET', '/presence', { token: null })).status, 401)
  for (const path of ['/events', '/sessions', '/presence?at=now', '/store'])
    assert.equal((await server.v1('GET', path, { token: reader })).status, 403, path)
  assert.equal((await server.v1('POST', '/export', { body: {}, token: reader })).status, 403)
  assert.equal((await server.v1('POST', '/command', { body: { arguments: ['who'] } })).status, 410)
  // Nothing names a file or another store: no question has a member for it.
  for (const sneaky of [{ data: '/' }, { cursor_file: '/tmp/x' }, { out: '/tmp/x' }, { O: '/tmp/x' }, { config: '/x' }, { token_file: '/x' }]) {
    assert.equal((await server.v1('GET', `/events?${new URLSearchParams(sneaky)}`)).status, 422, JSON.stringify(sneaky))
    for (const path of ['/presence/proof', '/export', '/verify', '/subjects/export'])
      assert.equal((await server.v1('POST', path, { body: sneaky })).status, 422, path + JSON.stringify(sneaky))
  }
  assert.equal((await run(['-d', server.data, 'token', 'revoke', 't-presenceread'])).code, 0)
  assert.equal((await server.v1('GET', '/presence', { token: reader })).status, 401)
})
test('who is invisible is offline to others and not to auditors', async () => {
  await server.v1('POST', '/login', { body: { user: 'ghost' } })
  await server.v1('POST', '/status', { body: { user: 'ghost', as: 'invisible' } })
  const reader = (await run(['-d', server.data, 'token', 'create', 'peek', '--scope', 'presence:read'])).out.trim()
  assert.equal((await server.v1('GET', '/presence/ghost', { token: reader })).json.state, 'offline')
  assert.equal((await server.v1('GET', '/presence/ghost')).json.state, 'online')
})
test('the auth endpoints sign one\'s own channels, and others by rule', async () => {
  const ask = (channel, token, path = '/broadcasting/auth') => server.request('POST', path, {
    body: new URLSearchParams({ socket_id: '1.2', channel_name: channel }).toString(),
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...(token ? { authorization: `Bearer ${token}` } : {}) } })
  const jo = hs(claims())
  assert.equal((await ask('private-presence.jo', jo)).json.auth, auth('1.2', 'private-presence.jo'))
  assert.equal((await ask('private-user.jo', jo)).status, 200)
  assert.equal((await ask('private-user.al', jo)).status, 403)
  assert.equal((await ask('private-presence.al', jo)).status, 403)
  assert.equal((await ask('private-presence', jo)).status, 403)
  assert.equal((await ask('private-staff', jo)).status, 403)
  assert.equal((await ask('private-staff', hs(claims({ sub: 'boss' })))).status, 200)
  const open = (await ask('presence-open-1', jo)).json
  assert.equal(open.auth, auth('1.2', 'presence-open-1', open.channel_data))
  assert.equal(JSON.parse(open.channel_data).user_id, 'jo')
  assert.equal((await ask('private-presence.jo')).status, 403)
  assert.equal((await ask('private-presence.jo', server.token)).status, 403, 'a service is nobody')
  const user = (await ask('', jo, '/broadcasting/user-auth')).json
  assert.deepEqual(JSON.parse(user.user_data), { id: 'jo' })
  assert.equal(user.auth, `${app.key}:${sign(`1.2::user::${user.user_data}`)}`)
})

// -- pages of other sites, names of other hosts, files of other people --

test('a page of another origin: no socket, no reading, no writing', async () => {
  const evil = { origin: 'https://evil.example' }
  const c = await server.raw('?protocol=7', { headers: evil })
  assert.equal((await c.closed).code, 4009)
  assert.ok((await server.raw('?protocol=7', { headers: { origin: 'https://site.example' } })).id)
  const read = await server.v1('GET', '/presence', { headers: evil })
  assert.equal(read.headers['access-control-allow-origin'], undefined)
  assert.equal((await server.v1('POST', '/login', { body: { user: 'x' }, headers: evil })).status, 403)
  assert.equal((await server.request('OPTIONS', '/v1/login', { headers: evil })).status, 403)
  const allowed = await server.v1('GET', '/presence', { headers: { origin: 'https://site.example' } })
  assert.equal(allowed.headers['access-control-allow-origin'], 'https://site.example')
  assert.equal((await server.request('OPTIONS', '/v1/login', { headers: { origin: 'https://site.example' } })).status, 204)
})
test('DNS rebinding: a Host that is neither loopback nor configured is refused', async () => {
  for (const [host, status] of [['127.0.0.1', 200], ['localhost:1', 200], ['[::1]:80', 200], ['presence.example', 200], ['evil.example', 403], ['127.0.0.1.evil.example', 403], ['10.0.0.1', 403]])
    assert.equal((await server.request('GET', '/v1/me', { headers: { host } })).status, status, host)
  const c = await server.raw('?protocol=7', { headers: { host: 'evil.example' } })
  assert.equal(c.refused, 403)
})
test('secrets are readable by their owner alone, and are in no log', async () => {
  const { mode: a } = statSync(join(server.data, 'admin.token')), { mode: b } = statSync(join(server.data, 'rollcall.toml')), { mode: c } = statSync(join(server.data, 'tokens'))
  assert.deepEqual([a & 0o77, b & 0o77, c & 0o77], [0, 0, 0])
  for (const secret of [app.secret, server.token, jwtSecret]) assert.ok(!server.log.includes(secret))
})
test('a first start makes an app with random credentials and says how to connect', async () => {
  const data = scratch()
  const s = new Server()
  s.data = data; s.own = true; s.env = {}; s.args = ['-d', join(data, 'store'), 'serve', '--listen', '127.0.0.1:0']
  s.data = join(data, 'store')
  await s.launch()
  assert.match(s.out, /new Pusher\('[0-9a-f]{20}'/)
  assert.equal(statSync(join(s.data, 'rollcall.toml')).mode & 0o77, 0)
  await s.close()
})
for (const [what, line] of [['an unknown setting', 'nope = 1'], ['a wrong type', 'watchlist = "yes"'], ['a wrong value', 'client_events = "some"'], ['a webhook without a URL', '[[apps.webhooks]]\nurl = "x"'], ['a JWT without audience', '[[apps.jwt]]\nalgorithm = "HS256"\nkey = "x"\nissuer = "y"']])
  test(`a configuration with ${what} is refused in one sentence`, async () => {
    await assert.rejects(Server.start({ settings: line }), (e) => /rollcall: .*rollcall\.toml/.test(e.message) && !e.message.includes(app.secret))
  })
test('TLS: wss works, and a certificate is read again on SIGHUP', async () => {
  const dir = scratch()
  const make = async (cn) => { const { execFileSync } = await import('node:child_process'); execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', join(dir, 'key.pem'), '-out', join(dir, 'cert.pem'), '-days', '2', '-subj', `/CN=${cn}`], { stdio: 'ignore' }) }
  await make('first')
  const s = await Server.start({ args: ['--tls-cert', join(dir, 'cert.pem'), '--tls-key', join(dir, 'key.pem')] })
  assert.match(s.url, /^https:/)
  const open = () => new Promise((done, fail) => {
    const ws = new WebSocket(`wss://127.0.0.1:${s.port}/app/${app.key}?protocol=7`, { rejectUnauthorized: false })
    ws.on('message', (d) => { const cn = ws._socket.getPeerCertificate().subject.CN; ws.close(); done([JSON.parse(d).event, cn]) })
    ws.on('error', fail)
  })
  assert.deepEqual(await open(), ['pusher:connection_established', 'first'])
  await make('second')
  s.child.kill('SIGHUP')
  await until(async () => (await open())[1] === 'second')
  await s.close()
})
