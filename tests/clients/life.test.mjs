// What a server lives through: tabs that are killed, restarts, kill -9, a disk that says no, floods,
// readers that stop, connections that never speak.
import test from 'node:test'
import assert from 'node:assert/strict'
import net from 'node:net'
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import WebSocket from 'ws'
import Pusher from 'pusher-js'
import { Server, Raw, app, auth, userAuth, until, sleep, run } from './server.mjs'

const policy = (p) => '[apps.policy]\n' + Object.entries(p).map(([k, v]) => `${k} = ${v}`).join('\n')
const lines = (out) => out.trim().split('\n').filter(Boolean).map((l) => JSON.parse(l))
const audit = async (s, ...args) => lines((await s.cli('audit', '-o', 'ndjson', ...args)).out)
const upgrade = `GET /app/${app.key}?protocol=7 HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`

test('a tab that is killed is Offline after the grace and no sooner; one that returns never was', async () => {
  const s = await Server.start({ settings: policy({ grace_clean: 1, grace_abort: 2 }) })
  const w = await s.raw(); await w.subscribed('private-presence')
  const a = await s.raw(), b = await s.raw()
  a.signIn('a'); b.signIn('b')
  await a.wait('pusher:signin_success'); await b.wait('pusher:signin_success')
  a.kill(); b.kill()
  const at = Date.now()
  await sleep(500)
  const again = await s.raw(); again.signIn('b'); await again.wait('pusher:signin_success')
  const offline = await until(() => w.all('PresenceChanged').find((m) => JSON.parse(m.data).state === 'offline'), 'offline', 6000)
  assert.equal(JSON.parse(offline.data).user, 'a')
  assert.ok(Date.now() - at >= 1900, `${Date.now() - at} ms`)
  await sleep(800)
  assert.equal(w.all('PresenceChanged').filter((m) => JSON.parse(m.data).user === 'b').length, 1, 'b was online once, and stayed')
  const kinds = (await audit(s, '-u', 'b')).map((e) => e.kind)
  assert.deepEqual(kinds, ['user_enrolled', 'login', 'link_up', 'link_down', 'link_up'])
  await s.close()
})

test('two tabs are one person; logging out is at once, everywhere', async () => {
  const s = await Server.start()
  const w = await s.raw(); await w.subscribed('private-presence.t')
  const a = await s.raw(), b = await s.raw()
  a.signIn('t'); await a.wait('pusher:signin_success')
  b.signIn('t'); await b.wait('pusher:signin_success')
  a.close(); await sleep(200)
  assert.equal(w.all('PresenceChanged').length, 1)
  await s.v1('POST', '/logout', { body: { user: 't' } })
  await until(() => w.all('PresenceChanged').length === 2)
  assert.equal(JSON.parse(w.all('PresenceChanged')[1].data).state, 'offline')
  b.kill(); await b.closed; await sleep(100)
  assert.equal((await audit(s, '-u', 't')).at(-1).kind, 'logout', 'the connection of a closed session counts for nothing')
  await s.close()
})

test('C23: online, away and online within a tick is in the history and not on the wire', async () => {
  const s = await Server.start()
  const w = await s.raw(); await w.subscribed('private-presence.f')
  await s.v1('POST', '/login', { body: { user: 'f' } })
  await w.wait('PresenceChanged')
  await Promise.all([
    s.v1('POST', '/status', { body: { user: 'f', as: 'away' } }).then(() => s.v1('POST', '/status', { body: { user: 'f', as: 'clear' } })),
    s.v1('POST', '/login', { body: { user: 'g' } }),  // the tick is running: what comes now waits for its end
  ])
  await sleep(300)
  assert.equal(w.all('PresenceChanged').length, 1, JSON.stringify(w.all('PresenceChanged')))
  assert.deepEqual((await audit(s, '-u', 'f', '-e', 'status_set,status_cleared')).length, 2)
  await s.close()
})

test('kill -9 under load: every acknowledged event is there, who returns never went Offline, the gap is told', async () => {
  const s = await Server.start({ settings: policy({ grace_node: 5 }) })
  const people = await Promise.all(Array.from({ length: 20 }, async (_, i) => {
    const c = await s.raw(); c.signIn(`p${i}`); await c.wait('pusher:signin_success'); return c
  }))
  await people[0].subscribed('presence-room', { user_id: 'p0' })
  await until(async () => (await s.cli('who', '--room', 'presence-room', '-o', 'ndjson')).out.includes('p0'))
  const acknowledged = []
  let stop = false
  const writers = Array.from({ length: 8 }, async (_, w) => {
    for (let i = 0; !stop; i++) {
      const r = await s.v1('POST', '/activity', { body: { user: `p${w}`, action: 'load.done', target_type: 'n', target_id: `${w}-${i}` } }).catch(() => null)
      if (r?.status === 200) acknowledged.push([r.json.seq, `${w}-${i}`])
    }
  })
  await until(() => acknowledged.length > 300, 'load', 20000)
  s.child.kill('SIGKILL')
  stop = true
  await Promise.all(writers)
  await s.exited
  await sleep(600)
  const dead = new Date().toISOString()
  await sleep(300)
  await s.launch()
  const w = await s.raw(); await w.subscribed('private-presence')
  const back = await Promise.all(people.slice(0, 15).map(async (_, i) => { const c = await s.raw(); c.signIn(`p${i}`); await c.wait('pusher:signin_success'); return c }))
  const byId = new Map((await audit(s, '-e', 'activity')).map((e) => [e.target.id, e.seq]))
  for (const [seq, id] of acknowledged) assert.equal(byId.get(id), seq)
  await until(() => w.all('PresenceChanged').filter((m) => JSON.parse(m.data).state === 'offline').length === 5, 'the five who stayed away', 12000)
  const gone = w.all('PresenceChanged').map((m) => JSON.parse(m.data).user).sort()
  assert.deepEqual(gone, ['p15', 'p16', 'p17', 'p18', 'p19'])
  const gaps = lines((await s.cli('store', 'gaps', '-o', 'ndjson')).out)
  assert.equal(gaps.length, 1)
  const inGap = await s.cli('who', '--at', dead)
  assert.match(inGap.err, /nobody watched from/)
  assert.ok(!(await s.cli('who', '--room', 'presence-room', '--at', dead, '-o', 'ndjson')).out.includes('p0'), 'attendance ended when last heard')
  const verified = await s.cli('verify', '--full', '--replay', '--strict')
  assert.notEqual(verified.code, 20, verified.out)
  assert.ok(back.length)
  await s.close()
})

test('a restart in place keeps the port: pusher-js is back within two seconds', async () => {
  const s = await Server.start()
  const p = new Pusher(app.key, { wsHost: '127.0.0.1', wsPort: s.port, forceTLS: false, cluster: '', enabledTransports: ['ws'] })
  await until(() => p.connection.state === 'connected')
  const first = p.connection.socket_id
  let drained
  p.connection.bind('error', (e) => (drained = e))
  s.out = ''
  const at = Date.now()
  s.child.kill('SIGUSR2')
  await until(() => p.connection.state === 'connected' && p.connection.socket_id !== first, 'the reconnection', 6000)
  assert.ok(Date.now() - at < 2000, `${Date.now() - at} ms`)
  assert.match(s.log, /starting anew on the same sockets/)
  const c = await s.raw()
  await c.subscribed('after')
  p.disconnect()
  await s.close()
})

test('sockets passed by systemd are used', async () => {
  const listener = net.createServer()
  await new Promise((done) => listener.listen(0, '127.0.0.1', done))
  const port = listener.address().port
  const s = new Server()
  const base = await Server.start(); await base.stop()
  s.data = base.data; s.own = true; s.env = {}
  // LISTEN_PID must be the server's own: a shell says so and becomes it.
  const { spawn } = await import('node:child_process')
  const { binary } = await import('./server.mjs')
  const child = spawn('sh', ['-c', `export LISTEN_PID=$$ LISTEN_FDS=1; exec "${binary}" -d "${s.data}" serve`], { stdio: ['ignore', 'pipe', 'pipe', listener._handle] })
  listener.close()  // ours: from here on the socket is the server's alone
  let out = ''
  child.stdout.on('data', (d) => (out += d))
  await until(() => out.includes(`:${port}`), 'listening on the passed socket')
  s.port = port
  const c = await s.raw()
  assert.ok(c.id)
  child.kill('SIGTERM')
  await new Promise((done) => child.on('exit', done))
})

test('a drain closes with 4200, staggered, and what was held back is written', async () => {
  const s = await Server.start({ settings: '' })
  const all = await Promise.all(Array.from({ length: 40 }, () => s.raw()))
  const codes = []
  const times = []
  all.forEach((c) => c.closed.then(({ code }) => { codes.push(code); times.push(Date.now()) }))
  const how = await s.stop()
  await until(() => codes.length === 40)
  assert.deepEqual([how.code, new Set(codes)], [0, new Set([4200])])
  assert.ok(Math.max(...times) - Math.min(...times) > 100, 'not all at once')
  const verified = await s.cli('verify', '--full', '--replay', '--strict')
  assert.equal(verified.code, 0, verified.out)
  await s.close()
})

test('a server keeps snapshots by itself, and a start after a crash goes on from the newest', async () => {
  const s = await Server.start({ settings: 'sign_every = 1\nsnapshot_every = 25' })
  for (let i = 0; i < 30; i++) await s.v1('POST', '/login', { body: { user: `snap${i}` } })
  await s.v1('POST', '/logout', { body: { user: 'snap3' } })
  const kept = await until(async () => JSON.parse((await s.cli('snapshot', 'list', '-o', 'json')).out).at(0), 'a snapshot', 15000)
  assert.ok(kept.seq >= 25 && kept.users > 20)
  await s.v1('POST', '/login', { body: { user: 'after' } })
  const before = (await s.v1('GET', '/presence?state=any')).json.people.map((p) => [p.user, p.state, p.since])
  s.child.kill('SIGKILL'); await s.exited
  await s.launch()
  assert.match(s.out + s.log, /state from snapshot \d+ and \d+ events after it/)
  assert.deepEqual((await s.v1('GET', '/presence?state=any')).json.people.map((p) => [p.user, p.state, p.since]), before)
  const verified = await s.cli('snapshot', 'verify')
  assert.equal(verified.code, 0, verified.out)
  // The same over --url, for admins alone.
  const there = await s.cli('--url', s.url, 'snapshot', 'create', '-o', 'json')
  assert.ok(JSON.parse(there.out)[0].seq > kept.seq, there.err)
  assert.equal((await s.cli('--url', s.url, 'snapshot', 'verify')).code, 0)
  await s.stop()
  const replayed = await s.cli('verify', '--full', '--replay', '--strict')
  assert.equal(replayed.code, 0, replayed.out)
  await s.close()
})

test('a disk that says no: writing stops, reading goes on, and the writer comes back by itself', async () => {
  const s = await Server.start()
  await s.v1('POST', '/login', { body: { user: 'before' } })
  const limit = (n) => execFileSync('prlimit', ['--pid', String(s.child.pid), `--fsize=${n}:unlimited`])
  limit(100)
  const denied = await until(async () => { const r = await s.v1('POST', '/login', { body: { user: `x${Math.random()}` } }); return r.status === 503 && r }, 'a refusal')
  assert.match(denied.json.detail, /outcome-unknown|recorded/)
  assert.equal((await s.v1('GET', '/presence/before')).json?.state ?? 'unread', 'online')
  assert.equal((await s.v1('GET', '/health')).json.health, 'READ-ONLY')
  const c = await s.raw(); await c.subscribed('still-live')
  await s.trigger('still-live', 'e', '1'); await c.wait('e')
  c.signIn('late')
  assert.equal((await c.closed).code, 4100, 'presence that is not recorded would be wrong')
  limit('unlimited')
  await until(async () => (await s.v1('POST', '/login', { body: { user: 'after' } })).status === 200, 'writing again', 15000)
  const names = (await audit(s, '-e', 'login')).map((e) => e.user)
  assert.ok(names.includes('before') && names.includes('after'))
  const verified = await s.cli('verify', '--full', '--replay', '--strict')
  assert.notEqual(verified.code, 20, verified.out)
  await s.close()
})

test('overload answers 503 or 4100 before the handshake, never 4200', async () => {
  const s = await Server.start({ top: '' , settings: '' })
  await s.close()
  const t = await Server.start({ args: [], top: '', settings: '' , env: {} , data: undefined })
  await t.close()
  const { writeFileSync, readFileSync } = await import('node:fs')
  const u = await Server.start()
  await u.stop()
  const file = `${u.data}/rollcall.toml`
  writeFileSync(file, readFileSync(file, 'utf8').replace('[limits]', '[limits]\nhandshakes_per_s = 5\nconnections = 20'))
  await u.launch()
  const codes = []
  const opened = []
  for (let i = 0; i < 30; i++) { const c = await u.raw(); if (c.id) opened.push(c); else codes.push(c.refused ?? (await c.closed).code) }
  assert.ok(codes.length > 5 && codes.every((c) => c === 4100 || c === 503), codes.join())
  assert.ok(opened.length >= 5)
  opened.forEach((c) => c.close())
  await u.close()
})

test('frames of every illegal kind get the protocol\'s answer, and the others do not notice', async () => {
  const s = await Server.start()
  const witness = await s.raw(); await witness.subscribed('w')
  const frame = (first, length, { mask = true, body = Buffer.alloc(0) } = {}) => Buffer.concat([Buffer.from([first, (mask ? 0x80 : 0) | length]), mask ? Buffer.alloc(4) : Buffer.alloc(0), body])
  const cases = [
    ['unmasked', frame(0x81, 2, { mask: false, body: Buffer.from('{}') }), 1002], ['reserved bits', frame(0xf1, 0), 1002], ['reserved opcode', frame(0x83, 0), 1002],
    ['reserved control', frame(0x8b, 0), 1002], ['a fragmented ping', frame(0x09, 0), 1002], ['a long ping', Buffer.concat([Buffer.from([0x89, 0xfe, 0, 126]), Buffer.alloc(4 + 126)]), 1002],
    ['a continuation of nothing', frame(0x80, 0), 1002], ['text inside a message', Buffer.concat([frame(0x01, 0), frame(0x81, 0)]), 1002],
    ['not UTF-8', frame(0x81, 2, { body: Buffer.from([0xc3, 0x28]) }), 1007], ['too big', Buffer.from([0x81, 0xff, 0, 0, 0, 0, 0x7f, 0, 0, 0]), 1009], ['a length written long', Buffer.from([0x81, 0xfe, 0, 5, 0, 0, 0, 0, 1, 1, 1, 1, 1]), 1002],
    ['binary', frame(0x82, 0), 1003], ['a close of one byte', frame(0x88, 1, { body: Buffer.from([3]) }), 1002], ['a close with a code that is none', frame(0x88, 2, { body: Buffer.from([3, 0xed]) }), 1002],
    ['a clean close', frame(0x88, 2, { body: Buffer.from([3, 0xe8]) }), 1000],
  ]
  for (const [what, bytes, code] of cases) {
    const got = await new Promise((done, fail) => {
      const socket = net.connect(s.port, '127.0.0.1', () => socket.write(upgrade))
      let data = Buffer.alloc(0), sent = false
      socket.on('data', (d) => {
        data = Buffer.concat([data, d])
        if (!sent && data.includes('connection_established')) { sent = true; socket.write(bytes) }
      })
      socket.on('end', () => { const at = data.lastIndexOf(0x88); done(data.readUInt16BE(at + 2)) })
      socket.on('error', fail)
      setTimeout(() => fail(new Error(`${what}: no answer`)), 5000).unref()
    })
    assert.equal(got, code, what)
  }
  const fragments = await s.raw()
  fragments.ws.send('{"event":"pusher:', { fin: false }); fragments.ws.send('ping"', { fin: false }); fragments.ws.send('}', { fin: true })
  await fragments.wait('pusher:pong')
  await s.trigger('w', 'e', '1'); await witness.wait('e')
  await s.close()
})

test('bytes that come one at a time are understood', async () => {
  const s = await Server.start()
  const socket = net.connect(s.port, '127.0.0.1')
  socket.setNoDelay(true)
  let data = ''
  socket.on('data', (d) => (data += d.toString('latin1')))
  for (const c of upgrade) { socket.write(c); await new Promise((r) => setImmediate(r)) }
  await until(() => data.includes('connection_established'))
  const text = '{"event":"pusher:subscribe","data":{"channel":"slow"}}'
  for (const b of Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)])) { socket.write(Buffer.from([b])); await new Promise((r) => setImmediate(r)) }
  await until(() => data.includes('subscription_succeeded'))
  socket.destroy()
  await s.close()
})

test('slow-loris heads and requests that are none are let go; requests too large are told so', async () => {
  const s = await Server.start()
  await s.stop()
  const { writeFileSync, readFileSync } = await import('node:fs')
  const file = `${s.data}/rollcall.toml`
  writeFileSync(file, readFileSync(file, 'utf8').replace('[limits]', '[limits]\nhandshake_timeout = 1\nrequest_bytes = 2048'))
  await s.launch()
  const talk = (bytes, drip) => new Promise((done) => {
    const socket = net.connect(s.port, '127.0.0.1', () => socket.write(bytes))
    let data = ''
    socket.on('data', (d) => (data += d)); socket.on('error', () => {})
    const timer = drip && setInterval(() => socket.write('X: y\r\n'), 100)
    socket.on('close', () => { clearInterval(timer); done(data) })
  })
  const at = Date.now()
  assert.match(await talk('GET / HTTP/1.1\r\n', true), /^HTTP\/1.1 408/)
  assert.ok(Date.now() - at < 3000)
  assert.match(await talk('\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n'), /^HTTP\/1.1 400/)
  assert.match(await talk(`GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ${'x'.repeat(20000)}\r\n\r\n`), /^HTTP\/1.1 431/)
  assert.match(await talk('POST /v1/login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99999\r\n\r\n'), /^HTTP\/1.1 413/)
  assert.match(await talk('GET /app/x HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 8\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n'), /^HTTP\/1.1 426/)
  await s.close()
})

test('a reader that stops loses what fell off the ring and is told; memory stays bounded; the others do not notice', async () => {
  const s = await Server.start({ settings: 'event_max = 100000' })
  const good = await s.raw(); await good.subscribed('flood')
  const stuck = await s.raw(); await stuck.subscribed('flood')
  const watcher = await s.raw(); await watcher.subscribed('presence-slow', { user_id: 'w' })
  stuck.ws._socket.pause()
  const rss = () => Number(execFileSync('sh', ['-c', `grep VmRSS /proc/${s.child.pid}/status`]).toString().match(/\d+/)[0])
  const data = 'x'.repeat(50000)
  for (let i = 0; i < 100; i++) await s.trigger('flood', 'e', data)
  await until(() => good.all('e').length === 100)
  const before = rss()
  for (let i = 0; i < 300; i++) await s.trigger('flood', 'e', data)
  await until(() => good.all('e').length === 400, 'the good reader', 20000)
  // A sanitizer keeps what was freed: there, only the behaviour is looked at.
  if (!process.env.ROLLCALL_BINARY) assert.ok(rss() - before < 8000, `${rss() - before} KB more`)
  stuck.ws._socket.resume()
  await stuck.wait('rollcall:missed', 'flood', 10000)
  await s.trigger('flood', 'last', '1')
  await stuck.wait('last', 'flood', 10000)
  assert.ok(stuck.all('e').length < 400)
  await s.close()
})

test('one that floods and reads nothing is closed; the others are answered meanwhile', async () => {
  const s = await Server.start()
  const socket = net.connect(s.port, '127.0.0.1', () => socket.write(upgrade))
  socket.on('error', () => {})
  let gone = false
  socket.on('close', () => (gone = true))
  await new Promise((done) => socket.once('data', done))
  socket.pause()
  const junk = Buffer.concat(Array.from({ length: 1000 }, () => Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x7b, 0x7d])))
  const other = await s.raw()
  for (let i = 0; i < 400 && !gone; i++) {
    socket.write(junk)
    if (i % 20 === 0) await other.settled()
  }
  socket.resume()
  await until(() => gone, 'the flood to be closed', 20000)
  await other.settled()
  await s.close()
})

test('thousands of connections that never speak do not keep others out, and are let go', async () => {
  const s = await Server.start()
  await s.stop()
  const { writeFileSync, readFileSync } = await import('node:fs')
  const file = `${s.data}/rollcall.toml`
  writeFileSync(file, readFileSync(file, 'utf8').replace('[limits]', '[limits]\nhandshake_timeout = 3'))
  await s.launch()
  let closed = 0
  const count = Number(process.env.ROLLCALL_SILENT ?? 3000)
  const silent = Array.from({ length: count }, () => { const c = net.connect(s.port, '127.0.0.1'); c.on('close', () => closed++); c.on('error', () => {}); return c })
  await until(() => silent.every((c) => !c.connecting), 'connecting', 30000)
  const c = await s.raw(); await c.subscribed('a')
  await until(() => closed === count, 'the silent to be let go', 30000)
  await c.settled()
  await s.close()
})

test('half-open sockets: a page of data that is never acknowledged, a close that is never answered', async () => {
  const s = await Server.start({ settings: 'activity_timeout = 1\npong_timeout = 1' })
  const c = await s.raw()
  c.signIn('half'); await c.wait('pusher:signin_success')
  c.ws._socket.pause()  // the machine behind it has gone to sleep
  await until(async () => (await audit(s, '-u', 'half', '-e', 'link_down')).length === 1, 'LinkDown', 9000)
  assert.equal((await audit(s, '-u', 'half', '-e', 'link_down'))[0].cause, 'timeout')
  await s.close()
})

test('random bytes after the upgrade end that connection and no other', async () => {
  const seed = randomBytes(4).readUInt32BE()
  const s = await Server.start()
  const witness = await s.raw()
  for (let i = 0; i < 200; i++) {
    const socket = net.connect(s.port, '127.0.0.1', () => { socket.write(upgrade); socket.write(randomBytes(1 + ((seed + i * 7919) % 300))); socket.end() })
    socket.on('error', () => {}); socket.resume()
    if (i % 50 === 0) await witness.settled()
  }
  await witness.settled()
  assert.equal(s.child.exitCode, null)
  await s.close()
})
