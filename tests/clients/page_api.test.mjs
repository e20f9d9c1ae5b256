// What the page is made of, asked by hand: sign-in and its cookie, rooms, the past, watch tokens,
// and how its files are handed out.
import test, { after, before } from 'node:test'
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { Server, app, run, sign, until } from './server.mjs'

let server, origin, cookie
const cookieOf = (reply) => reply.headers['set-cookie'][0].split(';')[0]
const json = (body, headers = {}) => ({ body: JSON.stringify(body), headers: { 'content-type': 'application/json', ...headers } })
const post = (path, body, headers = {}) => server.request('POST', path, json(body, { cookie, origin, ...headers }))
const get = (path, headers = {}) => server.request('GET', path, { headers: { cookie, ...headers } })
const signIn = async (user) => {
  const reply = await server.request('POST', '/login', json({ token: server.token, user }))
  assert.equal(reply.status, 200, reply.text)
  return cookieOf(reply)
}
before(async () => {
  server = await Server.start({ settings: 'rooms = ["lobby", "den"]\n[apps.policy]\ngrace_clean = 0' })
  origin = server.url
  cookie = await signIn('ann')
  await server.v1('POST', '/login', { body: { user: 'ann' } })
})
after(() => server?.close())

test('signing in: the cookie is HttpOnly and SameSite=Strict, says who, and nothing else opens', async () => {
  const reply = await server.request('POST', '/login', json({ token: server.token }))
  assert.match(reply.headers['set-cookie'][0], /; HttpOnly; SameSite=Strict; Max-Age=43200$/)
  assert.equal((await get('/v1/me')).json.user, 'ann')
  assert.deepEqual((await get('/v1/me')).json.rooms, ['lobby', 'den'])
  assert.equal((await server.request('GET', '/v1/me')).json.key, '', 'nobody is told nothing')
  assert.equal((await server.request('POST', '/login', json({ token: 'rc_wrong' }))).status, 401)
  const [body, mac] = cookie.split('=')[1].split('.')
  const other = Buffer.from(JSON.stringify({ ...JSON.parse(Buffer.from(body, 'base64url')), user: 'eve' })).toString('base64url')
  for (const forged of [`${other}.${mac}`, `${body}.${mac.replace(/./, (c) => (c === '0' ? '1' : '0'))}`, body, `${body}.`, '', 'x.y', 'a'.repeat(8000)])
    assert.equal((await server.request('GET', '/v1/presence', { headers: { cookie: `rollcall_page=${forged}` } })).status, 401, forged.slice(0, 40))
})

test('only an admin may be somebody else', async () => {
  const token = (await run(['-d', server.data, 'token', 'create', 'plain', '--scope', 'presence:read', '--scope', 'events:write'])).out.trim()
  assert.equal((await server.request('POST', '/login', json({ token, user: 'ann' }))).status, 403)
  assert.equal((await server.request('POST', '/login', json({ token }))).status, 200)
})

test('a change made with a cookie needs the same Origin; reading does not', async () => {
  const body = { user: 'ann', as: 'away' }
  for (const from of ['https://evil.example', 'null', `http://127.0.0.1:${server.port + 1}`, ''])
    assert.ok([401, 403].includes((await post('/v1/status', body, from ? { origin: from } : { origin: '' })).status), from)
  assert.equal((await post('/v1/status', body)).status, 200)
  assert.equal((await post('/v1/status', { user: 'ann', as: 'clear' })).status, 200)
  assert.equal((await get('/v1/presence')).status, 200)
  assert.equal((await post('/v1/status', { user: 'bob', as: 'away' })).status, 403, 'for oneself alone')
})

test('the page’s people are let into private-presence and the rooms there are, and nowhere else', async () => {
  const auth = (channel_name, headers) => post('/broadcasting/auth', { socket_id: '1.1', channel_name }, headers)
  for (const [channel, status] of [['private-presence', 200], ['private-presence.bob', 200], ['presence-room.lobby', 200], ['presence-room.attic', 403], ['private-orders', 403], ['presence-x', 403]])
    assert.equal((await auth(channel)).status, status, channel)
  assert.equal((await auth('private-presence', { origin: 'https://evil.example' })).status, 403)
  const nobody = cookieOf(await server.request('POST', '/login', json({ token: server.token })))
  assert.equal((await auth('private-presence', { cookie: nobody })).status, 200)
  assert.equal((await auth('presence-room.lobby', { cookie: nobody })).status, 403)
  assert.equal((await post('/broadcasting/user-auth', { socket_id: '1.1' }, { cookie: nobody })).status, 403)
})

test('a message is in the log, is told with its seq, can be edited and removed by its author alone', async () => {
  const w = await server.raw()
  const channel_data = JSON.stringify({ user_id: 'watcher' })
  w.send('pusher:subscribe', { channel: 'presence-room.lobby', channel_data, auth: `${app.key}:${sign(`${w.id}:presence-room.lobby:${channel_data}`)}` })
  await w.wait('pusher_internal:subscription_succeeded', 'presence-room.lobby')
  const said = await post('/v1/rooms/lobby/messages', { room: 'lobby', text: 'hello', client_id: 'c1' }, { 'idempotency-key': 'k1' })
  assert.equal(said.status, 200, said.text)
  const told = await w.wait('MessagePosted')
  assert.equal(told.seq, said.json.seq)
  assert.deepEqual([JSON.parse(told.data).id, JSON.parse(told.data).user, JSON.parse(told.data).text, JSON.parse(told.data).client_id], [said.json.seq, 'ann', 'hello', 'c1'])
  const again = await post('/v1/rooms/lobby/messages', { room: 'lobby', text: 'hello', client_id: 'c1' }, { 'idempotency-key': 'k1' })
  assert.deepEqual([again.json.seq, again.json.repeated], [said.json.seq, true])
  await server.v1('POST', '/login', { body: { user: 'bob' } })
  await server.v1('POST', '/activity', { body: { user: 'bob', action: 'message.posted', target_type: 'room', target_id: 'lobby', description: 'by the API' } })
  await until(() => w.all('MessagePosted').length === 2)
  const history = async (query = '') => (await get(`/v1/rooms/lobby/messages${query}`)).json.messages
  assert.deepEqual((await history()).map((m) => [m.user, m.text]), [['ann', 'hello'], ['bob', 'by the API']])
  const [mine, his] = (await history()).map((m) => m.id)
  assert.deepEqual((await history(`?after=${mine}`)).map((m) => m.id), [his])
  assert.deepEqual((await history(`?before=${his}&limit=1`)).map((m) => m.id), [mine])
  assert.equal((await post(`/v1/rooms/lobby/messages/${his}`, { text: 'not mine' })).status, 403)
  assert.equal((await post(`/v1/rooms/lobby/messages/${mine}`, { text: 'hello all' })).status, 200)
  assert.equal(JSON.parse((await w.wait('MessageEdited')).data).text, 'hello all')
  assert.equal((await history())[0].text, 'hello all')
  // Nor can an edit be smuggled in over the API: only the author's own counts.
  await server.v1('POST', '/activity', { body: { user: 'bob', action: 'message.edited', target_type: 'room', target_id: 'lobby', description: 'forged', properties: { message: mine } } })
  await server.v1('POST', '/activity', { body: { user: 'bob', action: 'message.removed', target_type: 'room', target_id: 'lobby', properties: { message: mine } } })
  assert.deepEqual([(await history())[0].text, w.all('MessageRemoved').length], ['hello all', 0])
  const gone = await server.request('DELETE', `/v1/rooms/lobby/messages/${mine}`, { headers: { cookie, origin } })
  assert.equal(gone.status, 200, gone.text)
  assert.equal(JSON.parse((await w.wait('MessageRemoved')).data).id, mine)
  assert.deepEqual((await history()).map((m) => m.id), [his])
  const caught = await get(`/v1/catchup?channel=presence-room.lobby&after=${mine - 1}&socket_id=${w.id}&auth=${app.key}:${sign(`${w.id}:presence-room.lobby:${channel_data}`)}`)
  assert.deepEqual(caught.json.events.filter((e) => e.event.startsWith('Message')).map((e) => [e.event, JSON.parse(e.data).id]), [['MessagePosted', his], ['MessageRemoved', mine]])
  for (const [path, body, status] of [['/v1/rooms/attic/messages', { text: 'x' }, 404], ['/v1/rooms/lobby/messages', { text: '' }, 422], ['/v1/rooms/lobby/messages', { text: 'x'.repeat(4001) }, 422], ['/v1/rooms/lobby/messages/999999', { text: 'x' }, 404], ['/v1/rooms/den/messages/' + his, { text: 'x' }, 404]])
    assert.equal((await post(path, body)).status, status, path)
  await run(['-d', server.data, '--url', server.url, 'checkpoint', 'sign'])
  const verified = await run(['-d', server.data, 'verify', '--full'])
  assert.equal(verified.code, 0, verified.out)
  assert.match(verified.out, /2 dropped, 0 missing/, 'the message and its edit')
})

test('the past: who was here, a timeline with its reasons, how many at once; each reading is logged', async () => {
  const before = Date.now()
  await until(() => Date.now() > before + 5)
  await server.v1('POST', '/login', { body: { user: 'tim' } })
  const after = Date.now()
  await until(() => Date.now() > after + 2)  // the log counts microseconds, this clock milliseconds
  const came = new Date().toISOString()
  await server.v1('POST', '/status', { body: { user: 'tim', as: 'away' } })
  await server.v1('POST', '/logout', { body: { user: 'tim' } })
  const at = async (moment) => (await get(`/v1/presence?at=${encodeURIComponent(moment)}&state=any`)).json.people.find((p) => p.user === 'tim')?.state
  assert.equal(await at(new Date(before).toISOString()), undefined)
  assert.equal(await at(came), 'online')
  assert.equal(await at('now'), 'offline')
  const timeline = (await get('/v1/timeline?user=tim')).json
  assert.deepEqual(timeline.spans.map((s) => s.state), ['offline', 'online', 'away', 'offline'])
  assert.ok(timeline.spans.slice(1).every((s) => timeline.events.some((e) => e.seq === s.seq)), 'each reason is an event')
  const busy = (await get(`/v1/concurrency?user=tim&from=${new Date(before).toISOString()}&slices=1`)).json
  assert.equal(busy.slices[0].most, 1)
  assert.equal((await get('/v1/concurrency?slices=0')).status, 422)
  assert.equal((await get('/v1/concurrency?from=now&to=yesterday')).status, 422)
  assert.equal((await get('/v1/timeline?user=nobody-such')).status, 404)
  const reads = (await run(['-d', server.data, 'audit', 'queries', '-o', 'ndjson'])).out
  for (const what of ['who at=', 'timeline', 'concurrency']) assert.ok(reads.includes(what), what)
  const token = (await run(['-d', server.data, 'token', 'create', 'p', '--scope', 'presence:read'])).out.trim()
  for (const path of ['/v1/presence?at=now', '/v1/timeline?user=tim', '/v1/concurrency'])
    assert.equal((await server.request('GET', path, { headers: { authorization: `Bearer ${token}` } })).status, 403, path)
})

test('open sessions are counted: two devices, a login again, one that leaves, a restart', async () => {
  const s = await Server.start()
  const sessions = async () => (await s.v1('GET', '/presence/dot')).json.sessions
  await s.v1('POST', '/login', { body: { user: 'dot', session: 'phone' } })
  await s.v1('POST', '/login', { body: { user: 'dot', session: 'laptop' } })
  assert.equal(await sessions(), 2)
  await s.v1('POST', '/login', { body: { user: 'dot', session: 'phone' } })
  const again = await sessions()
  await s.v1('POST', '/logout', { body: { user: 'dot', session: 'phone' } })
  assert.equal(await sessions(), 1)
  await s.stop()
  await s.launch()
  assert.equal(await sessions(), 1, 'as the state says after a restart')
  assert.equal(again, 2)
  await s.close()
})

test('a watch token shows one person, until it runs out, and opens nothing else', async () => {
  const token = (await run(['-d', server.data, 'token', 'watch', 'ann'])).out.trim()
  const ask = (body) => server.request('POST', '/v1/watch', json(body))
  const reply = await ask({ token, socket_id: '7.8' })
  assert.equal(reply.json.person.state, 'online')
  assert.equal(reply.json.auth, `${app.key}:${sign('7.8:private-presence.ann')}`)
  assert.equal((await ask({ token: token.slice(0, -1) + (token.endsWith('0') ? '1' : '0') })).status, 403)
  assert.equal((await server.request('GET', '/v1/presence', { headers: { cookie: `rollcall_page=${token}` } })).status, 401)
  const old = (await run(['-d', server.data, 'token', 'watch', 'ann', '--expires', '-1h'])).out.trim()
  assert.equal((await ask({ token: old })).status, 403)
})

test('the page’s files: compressed, kept by name, under a strict policy; a view is the document', { skip: process.env.ROLLCALL_BINARY && 'built without the page' }, async () => {
  const view = await server.request('GET', '/people/ann', { headers: { 'accept-encoding': 'gzip, br' } })
  assert.deepEqual([view.status, view.headers['content-encoding'], view.headers['cache-control']], [200, 'br', 'no-cache'])
  assert.match(view.headers['content-security-policy'], /default-src 'none'; script-src 'self'/)
  assert.ok(!/unsafe|\*/.test(view.headers['content-security-policy']))
  const plain = await server.request('GET', '/')
  assert.equal(plain.headers['content-encoding'], undefined)
  const script = /src="(\/assets\/[^"]+)"/.exec(plain.text)[1]
  const file = await server.request('GET', script, { headers: { 'accept-encoding': 'br;q=0, gzip' } })
  assert.deepEqual([file.headers['content-encoding'], file.headers['cache-control']], ['gzip', 'public, max-age=31536000, immutable'])
  assert.equal((await server.request('GET', script, { headers: { 'if-none-match': file.headers.etag } })).status, 304)
  assert.equal((await server.request('GET', '/peoples')).status, 404)
  assert.equal((await server.request('GET', '/assets/../index.html')).status, 404)
})

test('the page’s types are those of this server: ./dev types makes them anew', async () => {
  const kept = JSON.parse(readFileSync(new URL('../../web/openapi.json', import.meta.url), 'utf8'))
  assert.deepEqual((await server.request('GET', '/openapi.json')).json, kept)
})

test('signing out ends the cookie, the sessions and the connections', async () => {
  const mine = await signIn('zoe')
  await server.v1('POST', '/login', { body: { user: 'zoe' } })
  const out = await server.request('POST', '/logout', { headers: { cookie: mine, origin } })
  assert.match(out.headers['set-cookie'][0], /^rollcall_page=; .*Max-Age=0/)
  await until(async () => (await get('/v1/presence/zoe')).json.state === 'offline')
})
