// What one caller may not take from the others.
import test, { after, before } from 'node:test'
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { Server, until } from './server.mjs'
import { header, jwt, jwtSettings, open, said, status } from './wire.mjs'

let server, port
before(async () => { server = await Server.start({ settings: jwtSettings }); port = server.port })
after(() => server.close())

// -- callers --

test('a person who writes without end is told to wait; others are not', async () => {
  const write = (token, user, size = 10) => server.v1('POST', '/activity', { token, body: { user, description: 'x'.repeat(size) } })
  for (const user of ['mallory', 'grace', 'heavy']) assert.equal((await server.v1('POST', '/login', { body: { user } })).status, 200)
  const mallory = jwt('mallory')
  let over
  for (let i = 0; i < 400 && !over; i++) { const r = await write(mallory, 'mallory'); if (r.status !== 200) over = r }
  assert.equal(over?.status, 429, over?.text)
  assert.ok(Number(over.headers['retry-after']) >= 1)
  assert.equal((await write(jwt('grace'), 'grace')).status, 200)
  assert.equal((await write(server.token, 'mallory')).status, 200)
  const heavy = jwt('heavy')
  let bytes = 0, refused
  for (let i = 0; i < 60 && !refused; i++) { const r = await write(heavy, 'heavy', 60000); if (r.status === 200) bytes += 60000; else refused = r }
  assert.equal(refused?.status, 429, refused?.text)
  assert.ok(bytes < 2_000_000, String(bytes))
})
test('streams: so many of one caller, and some are kept for auditors', async () => {
  const s = await Server.start({ settings: jwtSettings, top: '[callers]\nstreams = 3\nstreams_all = 6\nstreams_reserved = 2\n' })
  const held = []
  const stream = async (token) => {
    const c = await open(s.port)
    c.write(`GET /v1/stream HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\n\r\n`)
    await until(() => c.text.includes('\r\n\r\n'), 'an answer')
    held.push(c)
    return [status(c.text), header(c.text, 'Retry-After') !== undefined]
  }
  for (let i = 0; i < 3; i++) assert.deepEqual(await stream(jwt('mallory')), [200, false])
  assert.deepEqual(await stream(jwt('mallory')), [429, true])
  assert.deepEqual(await stream(jwt('eve')), [200, false])
  assert.deepEqual(await stream(jwt('eve')), [503, true])
  assert.deepEqual(await stream(s.token), [200, false])
  assert.deepEqual(await stream(jwt('auditor', 'audit:read')), [200, false])
  for (const c of held.splice(0)) c.destroy()
  await until(async () => { const [code] = await stream(jwt('mallory')); return code === 200 }, 'the places are free again')
  for (const c of held) c.destroy()
  await s.close()
})
test('where the system has no thread left, streams are 503, all else goes on, and SIGTERM ends it', async () => {
  const s = await Server.start({ top: '[callers]\nstreams = 500\nstreams_all = 500\n' })
  // What the first of each kind takes for good (malloc reserves 64 MB for a thread at a time) is not counted.
  assert.equal((await s.request('GET', '/up')).status, 200)
  assert.equal((await s.v1('GET', '/presence')).status, 200)
  const first = await open(s.port)
  first.write(`GET /v1/stream HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${s.token}\r\n\r\n`)
  await until(() => first.text.includes('\r\n\r\n'), 'a first stream')
  const kib = Number(readFileSync(`/proc/${s.child.pid}/status`, 'utf8').match(/VmSize:\s+(\d+)/)[1])
  execFileSync('prlimit', ['--pid', String(s.child.pid), `--as=${(kib + 60_000) * 1024}`])
  const held = [first]
  let last
  for (let i = 0; i < 60 && last !== 503; i++) {
    const c = await open(s.port)
    c.write(`GET /v1/stream HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${s.token}\r\n\r\n`)
    // Where even a small allocation fails, a connection may end without an answer: never hang.
    await until(() => c.text.includes('\r\n\r\n') || c.over, 'an answer, or an end')
    held.push(c)
    if (!c.text) continue
    last = status(c.text)
    if (last === 503) assert.ok(header(c.text, 'Retry-After'))
  }
  assert.equal(last, 503)
  const answers = (call) => until(async () => (await call().catch(() => ({}))).status === 200, 'all else goes on')
  await answers(() => s.request('GET', '/up'))
  await answers(() => s.v1('GET', '/presence'))
  for (const c of held.splice(0)) c.destroy()
  await until(async () => {
    const c = await open(s.port)
    c.write(`GET /v1/stream HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${s.token}\r\n\r\n`)
    await until(() => c.text.includes('\r\n\r\n') || c.over, 'an answer, or an end')
    held.push(c)
    return c.text && status(c.text) === 200
  }, 'a thread is free again', 15000)
  const began = Date.now()
  await s.close()
  assert.ok(Date.now() - began < 8000)
  for (const c of held) c.destroy()
})
test('what the system said and where the store lies is told to admins alone', async () => {
  const s = await Server.start()
  const service = (await s.cli('token', 'create', 'writer', '--scope', 'events:write')).out.trim().split(/\s+/).pop()
  execFileSync('prlimit', ['--pid', String(s.child.pid), '--fsize=0'])
  const texts = []
  for (let i = 0; i < 3; i++) {
    const r = await s.v1('POST', '/login', { token: service, body: { user: 'ada' } })
    assert.equal(r.status, 503, r.text)
    assert.ok(r.headers['retry-after'])
    texts.push(r.text)
  }
  const c = await s.raw()
  c.subscribe('presence-x', { user_id: 'bob' })
  const refused = await Promise.race([c.wait('pusher:subscription_error'), c.closed.then(() => null)])
  if (refused) texts.push(JSON.stringify(refused))
  for (const text of texts) assert.ok(!text.includes(s.data) && !/rocksdb|IO error|File too large|\.log/i.test(text), text)
  c.kill()
  await s.stop('SIGKILL')
})
