// The wire, row by row, with raw sockets: handshake, errors and close codes, liveness, channels,
// subscriptions, members, client events.
import test, { after, before } from 'node:test'
import assert from 'node:assert/strict'
import net from 'node:net'
import WebSocket from 'ws'
import { Server, Raw, app, auth, until, sleep } from './server.mjs'

let server
before(async () => {
  server = await Server.start({ settings: 'client_events_per_s = 10\nactivity_timeout = 120\nmessage_max = 20000' })
})
after(() => server.close())
const closeOf = async (raw) => (await raw.closed).code

// -- connecting --

test('the first message is connection_established, data a string', async () => {
  const c = await server.raw()
  const hello = c.messages[0]
  assert.equal(hello.event, 'pusher:connection_established')
  assert.equal(typeof hello.data, 'string')
  assert.match(JSON.parse(hello.data).socket_id, /^\d+\.\d+$/)
  assert.ok(JSON.parse(hello.data).activity_timeout >= 1)
  c.close()
})
test('socket ids are not repeated', async () => {
  const all = await Promise.all(Array.from({ length: 50 }, () => server.raw()))
  assert.equal(new Set(all.map((c) => c.id)).size, 50)
  all.forEach((c) => c.close())
})
test('unknown query parameters are ignored, protocols 5 to 7 are spoken', async () => {
  for (const p of [5, 6, 7]) (await server.raw(`?protocol=${p}&client=x&version=1.2&other=1`)).close()
})
test('a handshake at once, in two pieces, and with a first message behind it, is the same handshake', async () => {
  const head = `GET /app/${app.key}?protocol=7 HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`
  const text = Buffer.from('{"event":"pusher:subscribe","data":{"channel":"early"}}')
  const frame = Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), text])
  const s = await Server.start({ args: ['--threads', '1'] })
  for (const pieces of [[head], [head.slice(0, 30), head.slice(30)], [Buffer.concat([Buffer.from(head), frame])], [head.slice(0, 30), Buffer.concat([Buffer.from(head.slice(30)), frame])]]) {
    const socket = net.connect(s.port, '127.0.0.1')
    let got = ''
    socket.on('data', (d) => { got += d.toString('latin1') })
    for (const [i, piece] of pieces.entries()) {
      if (i > 0) await s.request('GET', '/up')  // one thread meets who came first, first: it has seen the piece before
      socket.write(piece)
    }
    await until(() => got.includes(pieces.at(-1) instanceof Buffer ? 'subscription_succeeded' : 'connection_established'), 'an answer')
    assert.match(got, /^HTTP\/1\.1 101 [^]*s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=/)  // RFC 6455's own example
    socket.destroy()
  }
  await s.close()
})

test('an unknown key is answered inside the socket with 4001', async () => {
  const c = await Raw.open(`ws://127.0.0.1:${server.port}/app/nokey?protocol=7`)
  assert.equal(await closeOf(c), 4001)
  assert.equal(c.messages[0].event, 'pusher:error')
  assert.equal(c.messages[0].data.code, 4001)
})
for (const [query, code] of [['', 4008], ['?client=js', 4008], ['?protocol=abc', 4007], ['?protocol=4', 4007], ['?protocol=7&version=x', 4006]])
  test(`a connection with "${query}" is closed with ${code}`, async () => {
    assert.equal(await closeOf(await server.raw(query)), code)
  })
test('nothing at this path: 4005', async () => {
  assert.equal(await closeOf(await Raw.open(`ws://127.0.0.1:${server.port}/nowhere?protocol=7`)), 4005)
})
test('binary frames are refused', async () => {
  const c = await server.raw()
  c.ws.send(Buffer.from([1, 2, 3]))
  assert.equal(await closeOf(c), 1003)
})
test('what is not a message gets an error without a code, and the connection stays', async () => {
  const c = await server.raw()
  for (const text of ['', 'nonsense', '[]', '{}', '{"event":1}', '{"event":"x"', '"a"', '{"event":"pusher:what","data":{}}', '{"event":"other","data":{}}']) c.ws.send(text)
  await c.settled()
  const errors = c.all('pusher:error')
  assert.equal(errors.length, 9)
  assert.ok(errors.every((e) => e.data.code === null))
  c.close()
})

// -- liveness --

test('pusher:ping is answered, and so are ping frames', async () => {
  const c = await server.raw()
  c.send('pusher:ping', {})
  await c.wait('pusher:pong')
  const pong = new Promise((done) => c.ws.on('pong', (d) => done(d.toString())))
  c.ws.ping('hello')
  assert.equal(await pong, 'hello')
  c.ws.send('{"event":"pusher:ping"}')
  await until(() => c.all('pusher:pong').length === 2)
  c.close()
})
test('a silent peer is pinged and then closed with 4201; a busy channel does not hide it', async () => {
  const s = await Server.start({ settings: 'activity_timeout = 1\npong_timeout = 1' })
  const quiet = new WebSocket(`ws://127.0.0.1:${s.port}/app/${app.key}?protocol=7`, { autoPong: false })
  const got = []
  quiet.on('message', (d) => got.push(JSON.parse(d)))
  await until(() => got.length)
  quiet.send(JSON.stringify({ event: 'pusher:subscribe', data: { channel: 'busy' } }))
  const busy = setInterval(() => s.trigger('busy', 'e', '{}').catch(() => {}), 100)
  const code = await new Promise((done) => quiet.on('close', done))
  clearInterval(busy)
  assert.equal(code, 4201)
  assert.ok(got.some((m) => m.event === 'pusher:ping'))
  await s.close()
})
test('one that answers pings stays, also without a subscription', async () => {
  const s = await Server.start({ settings: 'activity_timeout = 1\npong_timeout = 1' })
  const c = await s.raw()
  await sleep(4500)
  assert.equal(c.ws.readyState, WebSocket.OPEN)
  await s.close()
})

// -- channels --

test('names: what may be a channel and what may not', async () => {
  const c = await server.raw()
  const good = ['a', 'A-Z_=@,.;9', 'x'.repeat(200), 'privateers', 'presence', 'cached', 'cache-x']
  const bad = ['', 'a b', 'a/b', 'ä', 'x'.repeat(201), '#x', '#server-to-user-', 'a#b', 'a\u0000']
  for (const name of [...good, ...bad]) c.subscribe(name)
  await c.settled()
  for (const name of good) assert.ok(c.find('pusher_internal:subscription_succeeded', name), name)
  const errors = c.all('pusher:subscription_error')
  assert.equal(errors.length, bad.length)
  assert.ok(errors.every((e) => e.data.status === 4009))
  c.close()
})
test('a guarded channel needs its signature: wrong, missing, of another socket, key, channel', async () => {
  const c = await server.raw(), other = await server.raw()
  const attempts = [undefined, '', 'x', `${app.key}:`, `${app.key}:${'0'.repeat(64)}`, auth(other.id, 'private-a'), auth(c.id, 'private-b'), auth(c.id, 'private-a').replace(app.key, 'other')]
  for (const a of attempts) c.send('pusher:subscribe', { channel: 'private-a', ...(a === undefined ? {} : { auth: a }) })
  await c.settled()
  const errors = c.all('pusher:subscription_error', 'private-a')
  assert.equal(errors.length, attempts.length)
  assert.ok(errors.every((e) => e.data.type === 'AuthError' && e.data.status === 401))
  assert.ok(!c.find('pusher_internal:subscription_succeeded'))
  c.close(); other.close()
})
test('every guarded kind is let in with its signature', async () => {
  const c = await server.raw()
  for (const name of ['private-a', 'private-cache-a', 'private-encrypted-a', 'private-encrypted-cache-a']) await c.subscribed(name)
  for (const name of ['presence-a', 'presence-cache-a']) await c.subscribed(name, { user_id: 'u' })
  assert.ok(c.find('pusher:cache_miss', 'private-cache-a') && c.find('pusher:cache_miss', 'presence-cache-a') && c.find('pusher:cache_miss', 'private-encrypted-cache-a'))
  assert.ok(!c.find('pusher:cache_miss', 'private-a'))
  c.close()
})
test('data as a string of JSON is understood', async () => {
  const c = await server.raw()
  c.send('pusher:subscribe', JSON.stringify({ channel: 'stringly' }))
  await c.wait('pusher_internal:subscription_succeeded', 'stringly')
  c.close()
})
test('subscribing twice tells success twice and delivers once', async () => {
  const c = await server.raw()
  await c.subscribed('twice')
  c.subscribe('twice')
  await until(() => c.all('pusher_internal:subscription_succeeded', 'twice').length === 2)
  await server.trigger('twice', 'e', '1')
  await c.wait('e'); await c.settled()
  assert.equal(c.all('e').length, 1)
  c.close()
})
test('after unsubscribing nothing comes; unsubscribing from nothing is nothing', async () => {
  const c = await server.raw()
  await c.subscribed('leave')
  c.send('pusher:unsubscribe', { channel: 'leave' })
  c.send('pusher:unsubscribe', { channel: 'never' })
  await c.settled()
  await server.trigger('leave', 'e', '1')
  await c.settled()
  assert.equal(c.all('e').length, 0)
  assert.deepEqual((await server.api('GET', '/channels/leave')).json, { occupied: false })
  c.close()
})
test('the order is success, then the cached event, then what is live', async () => {
  await server.trigger('cache-order', 'e', '"cached"')
  const c = await server.raw()
  c.subscribe('cache-order')
  await c.wait('pusher_internal:subscription_succeeded')
  await server.trigger('cache-order', 'e', '"live"')
  await until(() => c.all('e').length === 2)
  assert.deepEqual(c.messages.filter((m) => m.channel === 'cache-order').map((m) => m.event + (m.event === 'e' ? m.data : '')),
    ['pusher_internal:subscription_succeeded', 'e"cached"', 'e"live"'])
  c.close()
})
test('a connection may be in so many channels and no more', async () => {
  const s = await Server.start({ settings: 'channels_max = 3' })
  const c = await s.raw()
  for (let i = 0; i < 5; i++) c.subscribe(`c${i}`)
  await c.settled()
  assert.equal(c.all('pusher_internal:subscription_succeeded').length, 3)
  assert.equal(c.all('pusher:subscription_error')[0].data.type, 'LimitReached')
  await s.close()
})

// -- presence channels --

test('members: ids, hash and count; info of the first connection stands until the last leaves', async () => {
  const a = await server.raw(), a2 = await server.raw(), b = await server.raw()
  const first = await a.subscribed('presence-m', { user_id: 7, user_info: { name: 'A', n: 1.50 } })
  assert.deepEqual(JSON.parse(first.data).presence, { ids: ['7'], hash: { 7: { name: 'A', n: 1.5 } }, count: 1 })
  await a2.subscribed('presence-m', { user_id: '7', user_info: { name: 'other' } })
  const seen = await b.subscribed('presence-m', { user_id: 'b' })
  const presence = JSON.parse(seen.data).presence
  assert.equal(presence.count, 2)
  assert.deepEqual(presence.hash, { 7: { name: 'A', n: 1.5 }, b: null })
  await a.wait('pusher_internal:member_added')
  assert.equal(a.all('pusher_internal:member_added').length, 1, 'the second tab is no second member')
  assert.ok(a.find('pusher_internal:member_added').seq > 0, 'what is logged says where')
  a.close()
  await sleep(100)
  assert.equal(b.all('pusher_internal:member_removed').length, 0)
  a2.close()
  const removed = await b.wait('pusher_internal:member_removed')
  assert.deepEqual(JSON.parse(removed.data), { user_id: '7' })
  b.close()
})
test('presence needs who: channel_data must be an object with a user_id, within its limits', async () => {
  const c = await server.raw()
  for (const bad of ['nonsense', '[]', '{}', '{"user_id":""}', '{"user_id":null}', '{"user_id":{}}']) c.subscribe('presence-who', bad)
  c.subscribe('presence-who', { user_id: 'x'.repeat(129) })
  c.subscribe('presence-who', { user_id: 'x', user_info: 'y'.repeat(3000) })
  await c.settled()
  assert.equal(c.all('pusher:subscription_error', 'presence-who').length, 8)
  assert.ok(!c.find('pusher_internal:subscription_succeeded'))
  c.close()
})
test('without channel_data, a signed-in connection is its user', async () => {
  const c = await server.raw()
  c.signIn({ id: 'signed', user_info: { n: 1 } })
  await c.wait('pusher:signin_success')
  c.subscribe('presence-signed')
  const ok = await c.wait('pusher_internal:subscription_succeeded', 'presence-signed')
  assert.deepEqual(JSON.parse(ok.data).presence.hash, { signed: { n: 1 } })
  c.close()
})
test('members beyond the limit are refused; a removed member can be told later', async () => {
  const s = await Server.start({ settings: 'members_max = 2\nmember_removed_delay_ms = 700' })
  const [a, b, c] = [await s.raw(), await s.raw(), await s.raw()]
  await a.subscribed('presence-l', { user_id: 'a' })
  await b.subscribed('presence-l', { user_id: 'b' })
  c.subscribe('presence-l', { user_id: 'c' })
  const error = await c.wait('pusher:subscription_error')
  assert.deepEqual([error.data.type, error.data.status], ['LimitReached', 4100])
  b.kill()
  await sleep(200)
  const again = await s.raw()  // a page refreshed within the delay is no leave
  await again.subscribed('presence-l', { user_id: 'b' })
  await sleep(900)
  assert.equal(a.all('pusher_internal:member_removed').length, 0)
  again.kill()
  const at = Date.now()
  await a.wait('pusher_internal:member_removed')
  assert.ok(Date.now() - at > 400)
  assert.equal(a.all('pusher_internal:member_added').length, 1)
  await s.close()
})

// -- client events --

test('relayed anew: data unchanged, user_id from the subscription, nothing else passes, not to the sender', async () => {
  const a = await server.raw(), b = await server.raw()
  await a.subscribed('presence-c', { user_id: 'a' }); await b.subscribed('presence-c', { user_id: 'b' })
  a.ws.send('{"event":"client-x","channel":"presence-c","data":{"z":1,"a":12345678901234567890,"f":1.0},"user_id":"forged","extra":1}')
  const raw = new Promise((done) => b.ws.on('message', (d) => d.toString().includes('client-x') && done(d.toString())))
  const text = await raw
  assert.equal(text, '{"event":"client-x","channel":"presence-c","data":{"z":1,"a":12345678901234567890,"f":1.0},"user_id":"a"}')
  await a.settled()
  assert.equal(a.all('client-x').length, 0)
  a.close(); b.close()
})
test('refused with 4301: public, encrypted, not subscribed, engine channels, too big, name too long', async () => {
  const c = await server.raw()
  await c.subscribed('pub'); await c.subscribed('private-encrypted-e'); await c.subscribed('private-presence'); await c.subscribed('private-in')
  c.send('client-a', {}, 'pub')
  c.send('client-a', {}, 'private-encrypted-e')
  c.send('client-a', {}, 'private-out')
  c.send('client-a', {}, 'private-presence')
  c.send('client-a', 'x'.repeat(10500), 'private-in')
  c.send('client-' + 'a'.repeat(200), {}, 'private-in')
  c.send('client-a', {})
  await c.settled()
  assert.deepEqual(c.all('pusher:error').map((e) => e.data.code), Array(7).fill(4301))
  assert.equal(c.ws.readyState, WebSocket.OPEN)
  c.close()
})
test('no more than ten a second; the rest is dropped with 4301, and pings are still answered', async () => {
  const a = await server.raw(), b = await server.raw()
  await a.subscribed('private-rate'); await b.subscribed('private-rate')
  for (let i = 0; i < 30; i++) a.send('client-n', { i }, 'private-rate')
  await a.settled(); await b.settled()
  const passed = b.all('client-n').length
  assert.ok(passed >= 10 && passed <= 12, `${passed} passed`)
  assert.equal(a.all('pusher:error').filter((e) => e.data.code === 4301).length, 30 - passed)
  a.close(); b.close()
})
test('client events can be switched off', async () => {
  const s = await Server.start({ settings: 'client_events = "none"' })
  const a = await s.raw()
  await a.subscribed('private-off')
  a.send('client-n', {}, 'private-off')
  assert.equal((await a.wait('pusher:error')).data.code, 4301)
  await s.close()
})

// -- activity of stock clients, PresenceChanged, catching up --

test('client-rollcall-away and -active are consumed and move the state', async () => {
  const c = await server.raw(), w = await server.raw()
  await w.subscribed('private-presence.mover')
  c.signIn('mover'); await c.wait('pusher:signin_success')
  await c.subscribed('private-presence.mover')
  c.send('client-rollcall-away', {}, 'private-presence.mover')
  const changes = () => w.all('PresenceChanged').map((m) => JSON.parse(m.data))
  await until(() => changes().some((e) => e.state === 'away' && e.cause === 'inactivity'))
  c.send('client-rollcall-active', {}, 'private-presence.mover')
  await until(() => changes().some((e) => e.state === 'online' && e.cause === 'activity' && e.previous === 'away'))
  assert.equal(w.all('client-rollcall-away').length, 0)
  assert.ok(w.find('PresenceChanged').seq > 0)
  c.close(); w.close()
})
test('the hint is ignored while the session has another link', async () => {
  const c = await server.raw(), d = await server.raw()
  c.signIn('two'); d.signIn('two')
  await c.wait('pusher:signin_success'); await d.wait('pusher:signin_success')
  await c.subscribed('private-two')
  c.send('client-rollcall-away', {}, 'private-two')
  await c.settled(); await sleep(100)
  assert.equal((await server.v1('GET', '/presence/two')).json.state, 'online')
  c.close(); d.close()
})
test('a user\'s name that a channel cannot hold is escaped', async () => {
  const w = await server.raw()
  await w.subscribed('private-presence.j=C3=BCrgen=20x')
  await server.v1('POST', '/login', { body: { user: 'jürgen x' } })
  assert.equal(JSON.parse((await w.wait('PresenceChanged')).data).user, 'jürgen x')
  w.close()
})
test('catch-up gives the holder of a live subscription what it missed, and nobody else', async () => {
  const w = await server.raw()
  await w.subscribed('private-presence')
  await server.v1('POST', '/login', { body: { user: 'cu1' } })
  const first = await until(() => w.all('PresenceChanged').find((m) => JSON.parse(m.data).user === 'cu1'))
  await server.v1('POST', '/login', { body: { user: 'cu2' } })
  await server.v1('POST', '/logout', { body: { user: 'cu1' } })
  await until(() => w.all('PresenceChanged').some((m) => m.data.includes('cu1') && m.data.includes('"offline","previous"')))
  const ask = (a, socket = w.id, channel = 'private-presence', after = first.seq) =>
    server.request('GET', `/v1/catchup?channel=${channel}&after=${after}&socket_id=${socket}&auth=${encodeURIComponent(a)}`)
  const answer = await ask(auth(w.id, 'private-presence'))
  assert.equal(answer.status, 200, answer.text)
  const events = answer.json.events.map((e) => JSON.parse(e.data))
  assert.ok(events.some((e) => e.user === 'cu2' && e.state === 'online'))
  assert.ok(events.some((e) => e.user === 'cu1' && e.state === 'offline'))
  assert.equal((await ask('x')).status, 403)
  const stranger = await server.raw()
  assert.equal((await ask(auth(stranger.id, 'private-presence'), stranger.id)).status, 403, 'not subscribed')
  const p = await server.raw(), q = await server.raw()
  const joined = await p.subscribed('presence-cu', { user_id: 'p' })
  await q.subscribed('presence-cu', { user_id: 'q' })
  const missed = await ask(auth(p.id, 'presence-cu', '{"user_id":"p"}'), p.id, 'presence-cu', joined.seq)
  assert.equal(missed.json.events[0].event, 'pusher_internal:member_added')
  assert.equal(JSON.parse(missed.json.events[0].data).user_id, 'q')
  for (const c of [w, stranger, p, q]) c.close()
})
