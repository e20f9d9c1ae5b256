// What happens to time while a server runs or is dead: kill -9 and somebody who writes meanwhile, a
// machine that slept, a wall clock that is set back or far ahead (libfaketime, which leaves the
// monotonic clock alone); and what is shown of who hides across a restart.
import test from 'node:test'
import assert from 'node:assert/strict'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Server, scratch, until, run } from './server.mjs'

const lines = (out) => out.trim().split('\n').filter(Boolean).map((l) => JSON.parse(l))
const audit = async (s, ...args) => lines((await s.cli('audit', '-o', 'ndjson', ...args)).out)
const gaps = async (s) => lines((await s.cli('store', 'gaps', '-o', 'ndjson')).out)
const seconds = (g) => (Date.parse(g.to) - Date.parse(g.from)) / 1000
const token = async (s, ...scopes) =>
  (await run(['-d', s.data, 'token', 'create', `t${Math.random()}`, ...scopes.flatMap((x) => ['--scope', x])])).out.trim()

const libraries = '/usr/lib'
const library = readdirSync(libraries).map((d) => join(libraries, d, 'faketime/libfaketimeMT.so.1')).find(existsSync)

/** A wall clock of its own, `set` while a program runs; the monotonic clock is the machine's. */
function wall() {
  assert.ok(library, 'libfaketime is not installed (./dev check installs it)')
  const file = join(scratch(), 'offset')
  const clock = {
    set: (offset) => writeFileSync(file, offset),
    env: { LD_PRELOAD: library, FAKETIME_TIMESTAMP_FILE: file, FAKETIME_NO_CACHE: '1', FAKETIME_DONT_FAKE_MONOTONIC: '1' },
  }
  clock.set('+0')
  return clock
}
const write = (s, user = 'ada') => s.v1('POST', '/activity', { body: { user, action: 'page.viewed' } })

test('who writes to a store whose server was killed tells the gap first', async () => {
  const s = await Server.start()
  await s.v1('POST', '/login', { body: { user: 'ada' } })
  await s.stop('SIGKILL')
  const last = (await audit(s)).at(-1)
  await until(() => Date.now() - Date.parse(last.at) > 1200)
  assert.equal((await s.cli('login', 'bob')).code, 0)
  const told = await gaps(s)
  assert.equal(told.length, 1)
  assert.equal(told[0].from, last.at)
  assert.ok(seconds(told[0]) >= 1.2, JSON.stringify(told))
  const events = await audit(s, '--seq', `${last.seq + 1}..${last.seq + 99}`)
  assert.deepEqual(events.map((e) => e.kind), ['node_down', 'user_enrolled', 'login'])
  await s.launch()
  assert.deepEqual(await gaps(s), told, 'a start does not tell it again')
  assert.deepEqual((await s.v1('GET', '/presence')).json.people.map((p) => [p.user, p.state]), [['ada', 'online'], ['bob', 'online']])
  await s.close()
})

test('a machine that slept two hours: writing goes on, nobody turns Away, and the span is a gap everywhere', async () => {
  const clock = wall()
  const s = await Server.start({ env: clock.env })
  await s.v1('POST', '/login', { body: { user: 'ada' } })
  clock.set('+7200')
  assert.equal((await write(s)).status, 200)
  const health = (await s.v1('GET', '/health')).json
  assert.equal(health.health, 'OK')
  assert.equal(health.writable, true)
  assert.ok(Math.abs(seconds(health.last_gap) - 7200) < 30, JSON.stringify(health))
  assert.equal((await s.v1('GET', '/presence/ada')).json.state, 'online')
  const events = await audit(s)
  assert.equal(events.filter((e) => e.kind === 'clock_step').length, 1)
  assert.equal(events.filter((e) => e.kind === 'inactivity' || e.kind === 'logout').length, 0)
  const told = await gaps(s)
  assert.deepEqual(told.map((g) => [g.seq, g.from, g.to]), [[health.last_gap.seq, health.last_gap.from, health.last_gap.to]])
  const inside = new Date(Date.parse(told[0].from) + 3600e3).toISOString()
  assert.match((await s.cli('who', '--at', inside)).err, /nobody watched from/)
  const at = (await s.v1('GET', `/presence?at=${inside}`)).json
  assert.deepEqual([at.gap.seq, at.gaps.map((g) => g.seq), at.coverage.known], [told[0].seq, [told[0].seq], 'in_gap'])
  assert.deepEqual(at.people.map((p) => [p.user, p.state, p.last_known]), [['ada', 'unknown', 'online']], 'nobody watched')
  assert.equal((await s.v1('GET', `/presence?at=${told[0].from}`)).json.gap, undefined)
  const range = `from=${encodeURIComponent(new Date(Date.now() - 600e3).toISOString())}&to=${encodeURIComponent(new Date(Date.now() + 9000e3).toISOString())}`
  assert.deepEqual((await s.v1('GET', `/timeline?user=ada&${range}`)).json.gaps.map((g) => g.seq), [told[0].seq])
  assert.deepEqual((await s.v1('GET', `/concurrency?${range}`)).json.gaps.map((g) => g.seq), [told[0].seq])
  assert.notEqual((await s.cli('verify', '--full', '--replay')).code, 20)
  await s.close()
})

test('a wall clock set back two hours: time goes on a tenth slower, and health says how far it is ahead', async () => {
  const clock = wall()
  const s = await Server.start({ env: clock.env })
  const first = (await s.v1('POST', '/login', { body: { user: 'ada' } })).json.seq
  clock.set('-7200')
  assert.equal((await write(s)).status, 200)
  assert.equal((await write(s)).status, 200)
  const health = (await s.v1('GET', '/health')).json
  assert.equal(health.writable, true)
  assert.ok(Math.abs(health.clock_ahead_seconds - 7200) < 30, JSON.stringify(health))
  const events = await audit(s)
  for (let i = 1; i < events.length; i++) assert.ok(events[i].at >= events[i - 1].at)
  assert.equal(events.filter((e) => e.kind === 'clock_step').length, 1)
  assert.ok(events.at(-1).at >= events.find((e) => e.seq === first).at)
  assert.deepEqual(await gaps(s), [])
  clock.set('+0')
  assert.equal((await write(s)).status, 200)
  assert.ok((await s.v1('GET', '/health')).json.clock_ahead_seconds < 30)
  await s.close()
})

test('a wall clock 500 days ahead writes nothing, to a running server, at a start and offline, until it is accepted', async () => {
  const clock = wall()
  const s = await Server.start({ env: clock.env })
  await s.v1('POST', '/login', { body: { user: 'ada' } })
  clock.set('+500d')
  await until(async () => (await write(s)).status === 503, 'a refusal')
  const health = (await s.v1('GET', '/health')).json
  assert.equal(health.health, 'READ-ONLY')
  assert.match(health.problem, /400 days ahead/)
  assert.equal((await s.v1('GET', '/presence/ada')).json.state, 'online', 'reading goes on')
  clock.set('+0')
  await until(async () => (await write(s)).status === 200, 'writing again')
  await s.stop()
  clock.set('+500d')
  const refused = async (...args) => {
    const done = await run(['-d', s.data, ...args], clock.env)
    assert.equal(done.code, 3, `${args.join(' ')}: ${done.out}${done.err}`)
    assert.match(done.err, /400 days ahead.*--accept-clock/)
  }
  writeFileSync(join(s.data, 'day.ndjson'), `{"at":"${new Date(Date.now() + 1000).toISOString()}","type":"login","user":"eve"}\n`)
  await refused('serve', '--listen', '127.0.0.1:0')
  await refused('login', 'bob')
  await refused('activity', 'ada')
  await refused('status', 'ada', '--as', 'away')
  await refused('hold', 'add', 'ada', '--reason', 'a case')
  await refused('checkpoint', 'sign')
  await refused('store', 'reads', 'reason')
  await refused('retention', 'set', 'activity', '30d')
  await refused('forget', 'ada', '--reason', 'a request', '--yes')
  await refused('import', join(s.data, 'day.ndjson'))
  await refused('--reason', 'incident 7', 'who')
  assert.equal((await audit(s)).filter((e) => e.kind === 'node_down').length, 0)
  assert.equal((await run(['-d', s.data, 'login', 'bob', '--accept-clock'], clock.env)).code, 0)
  assert.equal((await run(['-d', s.data, 'login', 'cy'], clock.env)).code, 0, 'once is enough')
  await s.launch()
  assert.equal((await write(s)).status, 200)
  await s.close()
})

test('who hides is shown as before he hid: in replies, over a restart, and from a snapshot', async () => {
  const s = await Server.start()
  const reader = await token(s, 'presence:read'), writer = await token(s, 'events:write'), auditor = await token(s, 'audit:read', 'presence:read')
  const shown = async () => {
    const one = (await s.v1('GET', '/presence/zoe', { token: reader })).json
    const listed = (await s.v1('GET', '/presence?users=zoe&state=any', { token: reader })).json.people[0]
    assert.deepEqual(listed, one)
    return one
  }
  await s.v1('POST', '/login', { body: { user: 'zoe' } })
  await s.v1('POST', '/status', { body: { user: 'zoe', as: 'invisible', text: 'nobody reads this' } })
  const before = await shown()
  assert.equal(before.state, 'offline')
  const hidden = async (path, body) => {
    const reply = (await s.v1('POST', path, { body, token: writer })).json
    assert.equal(reply.status === 409 ? 'offline' : reply.presence, 'offline', `${path}: ${JSON.stringify(reply)}`)
  }
  await hidden('/activity', { user: 'zoe', action: 'page.viewed' })
  await hidden('/activity', { user: 'zoe' })
  await hidden('/login', { user: 'zoe', session: 'phone' })
  await hidden('/logout', { user: 'zoe', session: 'phone' })
  await hidden('/status', { user: 'zoe', as: 'invisible', do_not_disturb: true })
  assert.equal((await s.v1('POST', '/activity', { body: { user: 'zoe', action: 'page.viewed' } })).json.presence, 'online', 'an admin is told')
  assert.deepEqual(await shown(), before)
  for (const how of ['SIGTERM', 'SIGKILL', 'snapshot']) {
    if (how === 'snapshot') {
      await s.stop()
      assert.equal((await s.cli('snapshot', 'create')).code, 0)
    } else await s.stop(how)
    await s.launch()
    assert.deepEqual(await shown(), before, how)
    await hidden('/activity', { user: 'zoe', action: 'page.viewed' })
    assert.deepEqual(await shown(), before, how)
    const inside = (await s.v1('GET', '/presence/zoe', { token: auditor })).json
    assert.equal(inside.state, 'online')
    assert.ok(inside.last_seen > before.last_seen)
  }
  await s.v1('POST', '/status', { body: { user: 'zoe', as: 'clear' } })
  assert.equal((await shown()).state, 'online')
  await s.close()
})

test('a service that only writes is told the same of who hides as of who has gone', async () => {
  const s = await Server.start()
  const writer = await token(s, 'events:write'), auditor = await token(s, 'audit:read', 'events:write')
  const write = (path, body, by, key) => s.v1('POST', path, { body, token: by, headers: key ? { 'idempotency-key': key } : {} })
  let made = 0
  /** Somebody invisible: with a session that is open, or with none. */
  const somebody = async (there) => {
    const user = `user-${made++}`
    await write('/login', { user, session: 'web' }, s.token)
    await write('/status', { user, as: 'invisible' }, s.token)
    if (!there) await write('/logout', { user }, s.token)
    return user
  }
  const calls = [
    ['/login', { session: 'web' }], ['/login', { session: 'phone' }], ['/login', {}], ['/activity', {}], ['/activity', { session: 'web' }], ['/activity', { session: 'phone' }],
    ['/activity', { action: 'page.viewed' }], ['/activity', { session: 'web', action: 'page.viewed' }], ['/activity', { description: 'text' }], ['/logout', {}], ['/logout', { session: 'web' }], ['/logout', { session: 'phone' }],
    ['/status', { as: 'invisible' }], ['/status', { as: 'none' }], ['/status', { as: 'none', do_not_disturb: true }]]
  const told = async (path, more, user, by, key) => {
    const { status, json } = await write(path, { user, ...more }, by, key)
    const { seq, ...rest } = json
    // Who was hidden and shows himself is seen from then on: that is what showing is.
    if (path === '/status' && more.as === 'none') delete rest.presence
    return [status, typeof seq, JSON.stringify(rest).replaceAll(user, 'X')]
  }
  const differ = []
  for (const [path, more] of calls) {
    for (const key of [undefined, 'twice', 'reused']) {
      const hides = await somebody(true), gone = await somebody(false)
      const both = async (p, m) => {
        const [a, b] = [await told(p, m, hides, writer, key && key + hides), await told(p, m, gone, writer, key && key + gone)]
        if (JSON.stringify(a) !== JSON.stringify(b)) differ.push([p, m, key, a, b])
      }
      await both(path, more)
      if (key === 'twice') await both(path, more)
      if (key === 'reused' && ((await write('/activity', { user: gone }, writer)).status === 409)) await both('/activity', { action: 'order.paid' })
    }
  }
  assert.deepEqual(differ, [])
  // It is done all the same, and an auditor is told.
  const hides = await somebody(true)
  assert.deepEqual(await told('/login', { session: 'web' }, hides, auditor), [200, 'number', '{"outcome":"duplicate","user":"X","presence":"online"}'])
  assert.equal((await write('/logout', { user: hides }, writer)).status, 409)
  assert.equal((await s.v1('GET', `/presence/${hides}`)).json.state, 'offline')
  // Who does not hide is told of as before.
  await write('/login', { user: 'open', session: 'web' }, s.token)
  assert.equal((await write('/login', { user: 'open', session: 'web' }, writer)).json.outcome, 'duplicate')
  assert.equal((await write('/activity', { user: 'open' }, writer)).status, 200)
  assert.equal((await write('/logout', { user: 'open' }, writer)).json.outcome, 'applied')
  await s.close()
})

test('nobody is a user without a name', async () => {
  const s = await Server.start()
  for (const user of ['', 'a\u0001b', 'x'.repeat(257)])
    for (const path of ['/login', '/logout', '/activity', '/status'])
      assert.equal((await s.v1('POST', path, { body: { user } })).status, 422, `${path} ${JSON.stringify(user)}`)
  for (const id of ['', 0, null, 'a\u0001b']) {
    const c = await s.raw()
    c.signIn({ id })
    await Promise.race([c.wait('pusher:error'), c.closed])
    assert.ok(!c.find('pusher:signin_success'), JSON.stringify(id))
    c.close()
  }
  await s.stop()
  for (const args of [['login', ''], ['logout', ''], ['activity', ''], ['status', '', '--as', 'away']]) {
    const done = await s.cli(...args)
    assert.notEqual(done.code, 0, args.join(' '))
    assert.equal(done.out, '')
  }
  assert.equal((await audit(s)).filter((e) => e.kind === 'login').length, 0)
  await s.launch()
  await s.close()
})
