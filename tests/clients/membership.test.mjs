// Who is in a channel, with raw sockets against the real server: what comes late, twice, under
// another name or from strangers changes nothing; and who is closed is gone everywhere.
import test, { before, after } from 'node:test'
import assert from 'node:assert/strict'
import http from 'node:http'
import net from 'node:net'
import { createHash } from 'node:crypto'
import { Server, Raw, app, auth, sign, until } from './server.mjs'

let server, hook
const told = []
before(async () => {
  hook = http.createServer((req, res) => {
    let body = ''
    req.on('data', (d) => (body += d))
    req.on('end', () => { told.push(...JSON.parse(body).events); res.end('{}') })
  })
  await new Promise((done) => hook.listen(0, '127.0.0.1', done))
  server = await Server.start({
    settings: `members_max = 2\nclient_events_per_s = 1000\n[[apps.webhooks]]\nurl = "http://127.0.0.1:${hook.address().port}/"`,
  })
})
after(async () => { await server.close(); hook.close(); hook.closeAllConnections() })
const closeOf = async (raw) => (await raw.closed).code
const succeeded = 'pusher_internal:subscription_succeeded'
const count = async (channel) =>
  (await server.api('GET', `/channels/${channel}`, { query: { info: 'subscription_count' } })).json.subscription_count
const users = async (channel) => (await server.api('GET', `/channels/${channel}/users`)).json.users.map((u) => u.id).sort()
const presence = async (user) => (await server.v1('GET', `/presence/${user}`)).json.state

/** Messages in one write, so that the server reads them together. */
function together(raw, messages) {
  raw.ws._socket.cork()
  for (const [event, data] of messages) raw.send(event, data)
  raw.ws._socket.uncork()
}
async function hears(raw, channel) {
  const name = `probe-${Math.random()}`
  assert.equal((await server.trigger(channel, name, {})).status, 200)
  await raw.wait(name, channel)
}

test('subscribe, unsubscribe, subscribe in one packet: in, and heard', async () => {
  for (const [channel, member] of [['room-1', undefined], ['private-room-1', undefined], ['presence-room-1', { user_id: 'ann' }]]) {
    const c = await server.raw()
    const data = { channel }
    if (member) data.channel_data = JSON.stringify(member)
    if (channel !== 'room-1') data.auth = auth(c.id, channel, data.channel_data)
    for (let round = 1; round <= 3; round++) {
      together(c, [['pusher:subscribe', data], ['pusher:unsubscribe', { channel }], ['pusher:subscribe', data]])
      await until(() => c.all(succeeded, channel).length >= round, 'success')
      await until(async () => await count(channel) === 1, 'a count of one')
      await hears(c, channel)
      together(c, [['pusher:unsubscribe', { channel }], ['pusher:unsubscribe', { channel }]])
      await until(async () => await count(channel) === 0, 'a count of none')
    }
    c.close()
  }
  await until(async () => await presence('ann') === 'offline' || true)
})

test('who leaves and comes again all the time writes no more to the log than the API would let him', async () => {
  const c = await server.raw(), channel = 'presence-door', channel_data = JSON.stringify({ user_id: 'restless' })
  const data = { channel, channel_data, auth: auth(c.id, channel, channel_data) }
  const round = [['pusher:subscribe', data], ['pusher:unsubscribe', { channel }]]
  const refused = () => c.all('pusher:subscription_error', channel).length
  for (let i = 0; i < 40 && refused() === 0; i++) {
    together(c, Array(25).fill(round).flat())
    await c.settled()
  }
  assert.ok(refused() > 0)
  assert.match(c.all('pusher:subscription_error', channel)[0].data.error, /^comes and goes more often than it may/)
  const other = await server.raw()
  await other.subscribed(channel, { user_id: 'calm' })
  c.close()
})

// Public names that std::hash of libstdc++ takes for the guarded ones.
for (const [guarded, twin] of [['private-orders', 'whwswqdfGuJQsXtq'], ['private-presence', 'tkgzaera7irbgkat']])
  test(`being in ${twin} is not being in ${guarded}`, async () => {
    const member = await server.raw(), stranger = await server.raw()
    await member.subscribed(guarded)
    await stranger.subscribed(twin)
    stranger.send('client-x', { forged: true }, guarded)
    for (let i = 0; i < 3; i++) stranger.send('pusher:unsubscribe', { channel: guarded })
    await stranger.settled()
    assert.equal(stranger.find('pusher:error').data.code, 4301)
    assert.equal(await count(guarded), 1)
    if (guarded === 'private-orders') {
      await hears(member, guarded)
    } else {
      await server.v1('POST', '/login', { body: { user: 'watched' } })
      await member.wait('PresenceChanged', guarded)
    }
    assert.equal(member.all('client-x').length, 0)
    // Both at once, each by its own name.
    stranger.subscribe(guarded)
    await stranger.wait(succeeded, guarded)
    stranger.send('pusher:unsubscribe', { channel: twin })
    await until(async () => await count(twin) === 0, 'nobody in the twin')
    assert.equal(await count(guarded), 2)
    member.close()
    stranger.close()
  })

test('a refused member who leaves takes nobody along', async () => {
  const channel = 'presence-full'
  const a = await server.raw(), b = await server.raw(), c = await server.raw()
  await a.subscribed(channel, { user_id: 'a' })
  await b.subscribed(channel, { user_id: 'b' })
  c.signIn('c')
  await c.wait('pusher:signin_success')
  for (let i = 0; i < 3; i++) {
    c.subscribe(channel, { user_id: 'c' })
    c.send('pusher:unsubscribe', { channel })
    c.subscribe(channel, { user_id: 'c' })
    await until(() => c.all('pusher:subscription_error', channel).length > i, 'a refusal')
    c.send('pusher:unsubscribe', { channel })
    c.send('pusher:unsubscribe', { channel })
    await c.settled()
  }
  assert.equal(await count(channel), 2)
  assert.deepEqual(await users(channel), ['a', 'b'])
  await hears(a, channel)
  await hears(b, channel)
  assert.equal(a.all('pusher_internal:member_added', channel).filter((m) => m.data.includes('"c"')).length, 0)
  assert.equal(told.filter((e) => e.channel === channel && e.name === 'channel_vacated').length, 0)
  // The sign-in stands for c as before: what was refused held nothing.
  assert.equal(await presence('c'), 'online')
  a.close(); b.close(); c.close()
  await until(async () => await count(channel) === 0, 'nobody there')
})

test('termination closes who is a member only, and is known nowhere any more', async () => {
  const channel = 'presence-ended'
  const only = await server.raw(), other = await server.raw()
  await only.subscribed(channel, { user_id: 'eve' })
  await other.subscribed(channel, { user_id: 'bob' })
  assert.equal(await presence('eve'), 'online')
  // One more that asks for its place in this very moment.
  assert.equal((await server.api('POST', '/users/eve/terminate_connections', { body: {} })).status, 200)
  assert.equal(await closeOf(only), 4009)
  await other.wait('pusher_internal:member_removed', channel)
  assert.deepEqual(await users(channel), ['bob'])
  assert.equal(await presence('eve'), 'offline')
  assert.equal(await count(channel), 1)
  // Who left the channel before is not closed.
  const left = await server.raw()
  await left.subscribed(channel, { user_id: 'eve' })
  left.send('pusher:unsubscribe', { channel })
  await until(async () => await count(channel) === 1, 'the leave')
  await server.api('POST', '/users/eve/terminate_connections', { body: {} })
  await left.settled()
  left.close(); other.close()
})

test('a publish tells of each channel what applies to it, and is delivered whatever info says', async () => {
  const p = await server.raw(), q = await server.raw()
  await p.subscribed('presence-i', { user_id: 'p' })
  await q.subscribed('pub-i')
  const body = { name: 'e', data: '1', channels: ['presence-i', 'pub-i'] }
  const right = { channels: { 'presence-i': { user_count: 1, subscription_count: 1 }, 'pub-i': { subscription_count: 1 } } }
  const both = 'user_count,subscription_count'
  const post = (extra, query = {}) => server.api('POST', '/events', { body: { ...body, ...extra }, query })
  for (const answer of [await post({ info: both }), await post({ info: both.split(',') }), await post({}, { info: both }), await post({ info: `${both},nonsense` })]) {
    assert.equal(answer.status, 200)
    assert.deepEqual(answer.json, right)
  }
  assert.deepEqual((await post({ info: 'nonsense' })).json, {})
  await until(() => p.all('e').length === 5 && q.all('e').length === 5, 'five events')
  const batch = await server.api('POST', '/batch_events', { body: { batch: [
    { name: 'b', channel: 'pub-i', data: '1', info: both }, { name: 'b', channel: 'presence-i', data: '1', info: both }, { name: 'b', channel: 'pub-i', data: '1' }] } })
  assert.deepEqual(batch.json, { batch: [{ subscription_count: 1 }, { user_count: 1, subscription_count: 1 }, {}] })
  // The same channel twice is heard once.
  await post({ name: 'twice', channels: ['pub-i', 'pub-i'] })
  await q.wait('twice')
  await hears(q, 'pub-i')
  assert.equal(q.all('twice').length, 1)
  // Questions.
  const ask = (path, query) => server.api('GET', path, { query })
  assert.deepEqual((await ask('/channels', { filter_by_prefix: 'presence-i', info: both })).json, { channels: { 'presence-i': { user_count: 1, subscription_count: 1 } } })
  assert.deepEqual((await ask('/channels/presence-i', { info: both })).json, { occupied: true, user_count: 1, subscription_count: 1 })
  assert.deepEqual((await ask('/channels/pub-i', { info: 'subscription_count' })).json, { occupied: true, subscription_count: 1 })
  assert.equal((await ask('/channels/pub-i', { info: 'user_count' })).status, 400)
  assert.equal((await ask('/channels', { info: 'user_count' })).status, 400)
  // PHP's arrays, signed as its library signs them.
  for (const list of ['info[0]=user_count&info[1]=subscription_count', 'info%5B%5D=user_count&info%5B%5D=subscription_count']) {
    const at = Math.floor(Date.now() / 1000)
    const signed = `auth_key=${app.key}&auth_timestamp=${at}&auth_version=1.0`
    const path = `/apps/${app.id}/channels/presence-i`
    const answer = await server.request('GET', `${path}?${signed}&${list}&auth_signature=${sign(`GET\n${path}\n${signed}&info=${both}`)}`)
    assert.deepEqual(answer.json, { occupied: true, user_count: 1, subscription_count: 1 })
    const body2 = JSON.stringify(body), md5 = createHash('md5').update(body2).digest('hex'), events = `/apps/${app.id}/events`
    const published = await server.request('POST', `${events}?${signed}&body_md5=${md5}&${list}&auth_signature=${sign(`POST\n${events}\n${signed}&body_md5=${md5}&info=${both}`)}`, { body: body2 })
    assert.deepEqual(published.json, right)
  }
  p.close(); q.close()
})

test('a signed request that was captured opens nothing, however it is written anew', async () => {
  const c = await server.raw()
  await c.subscribed('forged')
  const old = Math.floor(Date.now() / 1000) - 86400, now = old + 86400
  const md5 = (text) => createHash('md5').update(text).digest('hex')
  for (const [path, captured, forged] of [
    [`/apps/${app.id}/events`, '{"name":"old","channel":"forged","data":"1"}', '{"name":"new","channel":"forged","data":"1"}'],
    ['/v1/login', '{"user":"old"}', '{"user":"mallory"}']]) {
    const signature = sign(`POST\n${path}\nauth_key=${app.key}&auth_timestamp=${old}&auth_version=1.0&body_md5=${md5(captured)}`)
    const rest = `auth_key=${app.key}&auth_version=1.0&auth_signature=${signature}`
    for (const query of [
      `auth_timestamp=${now}&body_md5=${md5(forged)}&AUTH_TIMESTAMP=${old}&BODY_MD5=${md5(captured)}`,
      `AUTH_TIMESTAMP=${old}&BODY_MD5=${md5(captured)}&auth_timestamp=${now}&body_md5=${md5(forged)}`,
      `auth_timestamp=${now}&body_md5=${md5(forged)}&auth_timestamp[]=${old}&body_md5[]=${md5(captured)}`,
      `auth_timestamp[]=${old}&body_md5[]=${md5(captured)}`,
      `auth_timestamp=${old}&body_md5=${md5(captured)}&auth_timestamp=${now}&body_md5=${md5(forged)}`])
      assert.equal((await server.request('POST', `${path}?${rest}&${query}`, { body: forged, headers: { 'content-type': 'application/json' } })).status, 401, query)
  }
  await c.settled()
  assert.equal(c.all('new').length, 0)
  assert.notEqual((await server.v1('GET', '/presence/mallory')).status, 200)
  // What a signed question asks is asked in the words that were signed.
  const ask = (asked, signed) => {
    const auth = `auth_key=${app.key}&auth_timestamp=${now}&auth_version=1.0`
    return server.request('GET', `/v1/presence?${auth}&${asked}&auth_signature=${sign(`GET\n/v1/presence\n${auth}&${signed}`)}`)
  }
  assert.equal((await ask('users=zoe', 'users=zoe')).status, 200)
  assert.equal((await ask('USERS=zoe', 'users=zoe')).status, 401)
  assert.equal((await ask('users[]=zoe', 'users=zoe')).status, 401)
  c.close()
})

test('half a surrogate pair is relayed as it came; what is no name of a user is the client\'s error', async () => {
  const a = await server.raw(), b = await server.raw()
  const frames = []
  b.ws.on('message', (d) => frames.push(d.toString()))
  const whoA = String.raw`{"user_id":"u1","user_info":{"name":"\ud83d"}}`
  await a.subscribed('presence-half', whoA)
  await b.subscribed('presence-half', { user_id: 'u2' })
  assert.ok(JSON.parse(b.find(succeeded).data).presence.hash.u1.name === '\ud83d')
  for (const data of [String.raw`"\ud83d"`, String.raw`{"\uDE00":["\ud83d\ud83d","\uD83D\uDE00","\ude00"]}`, String.raw`"\ud83d\u0041"`]) {
    a.ws.send(`{"event":"client-x","channel":"presence-half","data":${data}}`)
    await until(() => frames.some((f) => f.includes('client-x') && f.includes(`"data":${data}`)), `relay of ${data}`)
  }
  a.ws.send(String.raw`{"event":"client-\ud83d","ch\u0061nnel":"presence-half","d\u0061ta":1}`)
  await until(() => frames.some((f) => f.includes(String.raw`client-\ud83d`) && f.includes('"data":1')), 'an escaped name')
  const text = String.raw`{"name":"api","channel":"presence-half","data":"\ud83d"}`
  assert.equal((await server.api('POST', '/events', { body: text })).status, 200)
  await until(() => frames.some((f) => f.includes('"api"') && f.includes(String.raw`"data":"\ud83d"`)), 'the event')
  assert.equal(a.all('pusher:error').length, 0)

  for (const id of ['a\u0001b', 'a\u007f', 'a\u0085b', '\ud83d']) {
    const c = await server.raw()
    const said = JSON.stringify({ user_id: id })
    c.subscribe('presence-half', said)
    assert.equal((await c.wait('pusher:subscription_error')).data.status, 401)
    const user = JSON.stringify({ id })
    c.send('pusher:signin', { auth: `${app.key}:${sign(`${c.id}::user::${user}`)}`, user_data: user })
    assert.equal((await c.wait('pusher:error')).data.code, 4009)
    await c.settled()  // and the connection stays
    c.close()
    if (id !== '\ud83d') assert.equal((await server.v1('POST', '/login', { body: { user: id } })).status, 422)
    assert.equal((await server.api('POST', `/users/${id === '\ud83d' ? '%ED%A0%BD' : encodeURIComponent(id)}/terminate_connections`, { body: {} })).status, 400)
  }
  a.close(); b.close()
})

test('a stranger cannot use up the webhook of cache misses', async () => {
  const c = await server.raw()
  const before = told.filter((e) => e.name === 'cache_miss').length
  c.subscribe('cache-once')
  await c.wait('pusher:cache_miss', 'cache-once')
  c.send('pusher:unsubscribe', { channel: 'cache-once' })
  c.subscribe('cache-once')
  await until(() => told.filter((e) => e.name === 'cache_miss').length > before, 'the webhook')
  c.close()
})

// -- slow readers --

/** A handshake by hand, on a socket that is not read until it is told to. */
async function slow(port) {
  const socket = net.connect({ port, host: '127.0.0.1' })
  socket.write(`GET /app/${app.key}?protocol=7 HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`)
  const phone = { socket, got: Buffer.alloc(0) }
  socket.on('data', (d) => { phone.got = Buffer.concat([phone.got, d]) })
  await until(() => phone.got.includes('connection_established'), 'the handshake')
  phone.id = phone.got.toString('latin1').match(/socket_id\\":\\"([0-9.]+)/)[1]
  phone.got = Buffer.alloc(0)
  socket.pause()
  phone.send = (text) => {
    const bytes = Buffer.from(text)
    assert.ok(bytes.length < 65536)
    const head = bytes.length < 126 ? Buffer.from([0x81, 0x80 | bytes.length, 0, 0, 0, 0]) : Buffer.from([0x81, 0xFE, bytes.length >> 8, bytes.length & 255, 0, 0, 0, 0])
    socket.write(Buffer.concat([head, bytes]))
  }
  return phone
}
/** The server's frames: [opcode, payload]; throws where they are torn. */
function frames(bytes) {
  const out = []
  for (let i = 0; i + 2 <= bytes.length;) {
    let size = bytes[i + 1], head = 2
    assert.ok([0x81, 0x88, 0x89, 0x8A].includes(bytes[i]), `a frame begins with ${bytes[i]}`)
    if (size === 126) { size = bytes.readUInt16BE(i + 2); head = 4 } else if (size === 127) { size = Number(bytes.readBigUInt64BE(i + 2)); head = 10 }
    if (i + head + size > bytes.length) break
    out.push([bytes[i] & 15, bytes.subarray(i + head, i + head + size)])
    i += head + size
  }
  return out
}

test('a roster of megabytes reaches a slow phone whole; who lags further gets 4100', { timeout: 60000 }, async () => {
  const s = await Server.start({ settings: 'attendance = []\nuser_info_max = 62000' })
  const crowd = await s.raw()
  const info = 'x'.repeat(60000), members = 40
  for (let i = 0; i < members; i++) {
    const c = i === 0 ? crowd : await s.raw()
    c.subscribe('presence-big', { user_id: `u${i}`, user_info: info })
    await c.wait(succeeded, 'presence-big')
    c.ws.removeAllListeners('message')
  }
  const data = JSON.stringify({ user_id: 'phone' })
  const join = (phone) => phone.send(JSON.stringify({ event: 'pusher:subscribe', data: { channel: 'presence-big', channel_data: data, auth: auth(phone.id, 'presence-big', data) } }))
  const patient = await slow(s.port)
  join(patient)
  patient.send('{"event":"pusher:ping","data":{}}')
  await until(async () => (await s.api('GET', '/channels/presence-big/users')).json.users.some((u) => u.id === 'phone'), 'the phone inside')
  patient.socket.resume()
  const whole = () => frames(patient.got).find(([, text]) => text.length > members * info.length)
  const roster = JSON.parse((await until(whole, 'the roster', 20000))[1])
  assert.equal(JSON.parse(roster.data).presence.count, members + 1)
  await until(() => frames(patient.got).some(([, text]) => text.includes('pusher:pong')), 'the pong behind it')
  patient.socket.destroy()

  // Twice what may be owed: closed with 4100 and the reason, behind whole frames.
  const hopeless = await slow(s.port)
  const inside = async () => (await s.api('GET', '/channels/presence-big/users')).json.users.some((u) => u.id === 'phone')
  join(hopeless)
  await until(inside, 'the phone inside')
  for (let i = 0; i < 8; i++) join(hopeless)  // each is answered with the roster
  await until(async () => !await inside(), 'the phone gone')
  hopeless.socket.resume()
  const close = await until(() => frames(hopeless.got).find(([opcode]) => opcode === 8), 'a close frame', 20000)
  assert.equal(close[1].readUInt16BE(0), 4100)
  assert.match(close[1].subarray(2).toString(), /too slow/)
  hopeless.socket.destroy()
  await s.close()
})
