// When it ends: cookies, streams and questions with their token, their client, their server.
import test, { after, before } from 'node:test'
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { mkdirSync, readFileSync, readdirSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import WebSocket from 'ws'
import { alive, ask, askSlowly, bearer, childrenOf, cookieOf, endAll, following, json, longHistory, reads, serve, start, streaming, taken, tokenFor } from './access.mjs'
import { app, binary, run, sanitized, scratch, until } from './server.mjs'
import { jwt, jwtSettings } from './wire.mjs'

let server, reader
before(async () => {
  server = await serve()
  await server.v1('POST', '/login', { body: { user: 'bob' } })
  reader = await tokenFor(server, 'reader', ['audit:read', 'presence:read'])
})
after(endAll)

test('a cookie dies with its token, with the token’s end, and with the sign-out, for good', async () => {
  const s = await serve()
  const open = async (cookie) => (await s.request('GET', '/v1/presence', { headers: { cookie } })).status
  const origin = { origin: s.url }
  const enter = async (token, more = {}) => { const r = await s.request('POST', '/login', json({ token, ...more })); assert.equal(r.status, 200, r.text); return r }
  const revoked = cookieOf(await enter(await tokenFor(s, 'short', ['presence:read'])))
  const lasting = cookieOf(await enter(s.token, { user: 'ada' }))
  assert.deepEqual([await open(revoked), await open(lasting)], [200, 200])
  assert.equal((await run(['-d', s.data, 'token', 'revoke', 'short'])).code, 0)
  await until(async () => (await open(revoked)) === 401, 'the cookie ends with its token', 2000)
  assert.equal((await s.request('POST', '/login', json({}, { cookie: revoked, ...origin }))).status, 401, 'and is not renewed')
  await tokenFor(s, 'short', ['presence:read'])
  assert.equal(await open(revoked), 401, 'nor opened by another token of that name')
  // The end of the token is the end of the cookie, of its renewals too.
  const brief = await enter(await tokenFor(s, 'brief', ['presence:read'], '--expires', '+4s'))
  const seconds = Number(/Max-Age=(\d+)/.exec(brief.headers['set-cookie'][0])[1])
  assert.ok(seconds <= 4, `Max-Age is ${seconds}`)
  const renewed = await s.request('POST', '/login', json({}, { cookie: cookieOf(brief), ...origin }))
  assert.equal(renewed.status, 200, renewed.text)
  assert.ok(Number(/Max-Age=(\d+)/.exec(renewed.headers['set-cookie'][0])[1]) <= 4)
  await until(async () => (await open(cookieOf(renewed))) === 401 && (await open(cookieOf(brief))) === 401, 'the cookie ends when its token does', 6000)
  // Signed out is signed out: a copy, an earlier form of the same sign-in, after a restart.
  const later = cookieOf(await s.request('POST', '/login', json({}, { cookie: lasting, ...origin })))
  const other = cookieOf(await enter(s.token, { user: 'bob' }))
  assert.deepEqual([await open(later), await open(other)], [200, 200])
  assert.equal((await s.request('POST', '/logout', { headers: { cookie: later, ...origin } })).status, 200)
  assert.deepEqual([await open(later), await open(lasting), await open(other)], [401, 401, 200])
  assert.equal((await s.request('POST', '/login', json({}, { cookie: lasting, ...origin }))).status, 401)
  await s.stop()
  await s.launch()
  assert.deepEqual([await open(later), await open(lasting), await open(other)], [401, 401, 200])
  // An app's secret, which the site's programs know, makes no cookie.
  const body = Buffer.from(JSON.stringify({ app: app.id, name: 'token:admin', user: '', scopes: ['admin', 'server:admin'], until: Math.floor(Date.now() / 1000) + 600, sign_in: 'x', token: '', latest: 0 })).toString('base64url')
  const mac = createHmac('sha256', app.secret).update(`rollcall/page/v1.${body}`).digest('hex')
  assert.equal(await open(`rollcall_page=${body}.${mac}`), 401)
  await s.close()
})

test('what runs for a token ends with it within a second: streams and questions that follow', async () => {
  const lapsing = await tokenFor(server, 'lapsing', ['audit:read'])
  const presence = await tokenFor(server, 'lapsing-presence', ['presence:read'])
  const watcher = cookieOf(await server.request('POST', '/login', json({ token: server.token, user: 'ada' })))
  const socket = (token) => {
    const ws = new WebSocket(`ws://127.0.0.1:${server.port}/v1/stream?after=0`, ['rollcall.v1.capnp'], { headers: bearer(token) })
    const out = { over: false, open: false }
    ws.on('open', () => { out.open = true })
    ws.on('close', () => { out.over = true })
    ws.on('error', () => {})
    out.ws = ws
    return out
  }
  const stays = streaming(server, 'GET', '/v1/stream', bearer(reader))
  const ends = {
    events: streaming(server, 'GET', '/v1/stream?after=0', bearer(lapsing)), presence: streaming(server, 'GET', '/v1/stream', bearer(presence)),
    idle: streaming(server, 'GET', '/v1/stream', bearer(lapsing)), cookie: streaming(server, 'GET', '/v1/stream', { cookie: watcher }), socket: socket(lapsing), presenceSocket: socket(presence),
    question: following(server, lapsing) }
  const follower = start(['--url', server.url, 'audit', '-f', '-n', '1'], { ROLLCALL_TOKEN: lapsing })
  await until(() => stays.status === 200 && Object.values(ends).every((e) => e.open || e.status === 200) && follower.out.length > 0 && ends.question.said.length > 0, 'all of it runs')
  assert.ok(Object.values(ends).every((e) => !e.over))
  for (const name of ['lapsing', 'lapsing-presence']) assert.equal((await run(['-d', server.data, 'token', 'revoke', name])).code, 0)
  assert.equal((await server.request('POST', '/logout', { headers: { cookie: watcher, origin: server.url } })).status, 200)
  const left = () => Object.keys(ends).filter((k) => !ends[k].over)
  await until(() => left().length === 0 && follower.ended, 'all of it ends', 2500).catch(() => {})
  assert.deepEqual([left(), Boolean(follower.ended)], [[], true], 'these go on')
  await server.v1('POST', '/login', { body: { user: 'after-all-that' } })
  await until(() => stays.said.includes('after-all-that'), 'and who was not meant hears on')
  assert.equal(stays.over, false)
  stays.req.destroy()
})

test('a socket ends with the cookie, the token or the person’s token it was let in by, whoever it names', async () => {
  const s = await serve({ settings: `${jwtSettings}\n[[apps.channels]]\npattern = "private-news"\n` })
  const origin = { origin: s.url }
  const enter = async (token, more = {}) => cookieOf(await s.request('POST', '/login', json({ token, ...more })))
  const revoked = await tokenFor(s, 'revoked', ['presence:read']), brief = await tokenFor(s, 'brief', ['presence:read'], '--expires', '+5s')
  const letIn = async (channel, headers) => {
    const raw = await s.raw()
    const got = await s.request('POST', '/broadcasting/auth', json({ socket_id: raw.id, channel_name: channel }, headers))
    assert.equal(got.status, 200, got.text)
    raw.send('pusher:subscribe', { channel, auth: got.json.auth })
    await raw.wait('pusher_internal:subscription_succeeded', channel)
    return raw
  }
  const nobody = { cookie: await enter(s.token) }, again = { cookie: await enter(s.token) }
  const channel = 'private-presence'
  // One that anybody may hold: it shows one person until it runs out.
  const watching = async (seconds) => {
    const made = await run(['-d', s.data, 'token', 'watch', 'ada', '--expires', `+${seconds}s`])
    assert.equal(made.code, 0, made.err)
    const raw = await s.raw()
    const got = await s.v1('POST', '/watch', { token: null, body: { token: made.out.trim(), socket_id: raw.id } })
    assert.equal(got.status, 200, got.text)
    raw.send('pusher:subscribe', { channel: got.json.channel, auth: got.json.auth })
    await raw.wait('pusher_internal:subscription_succeeded', got.json.channel)
    return raw
  }
  const open = {
    revoked: await letIn(channel, { cookie: await enter(revoked), ...origin }),
    out: await letIn(channel, { ...nobody, ...origin }),
    brief: await letIn(channel, { cookie: await enter(brief), ...origin }),
    personal: await letIn('private-news', bearer(jwt('ada', '', 5))),
    watch: await watching(5),
  }
  const stays = { other: await letIn(channel, { ...again, ...origin }), long: await letIn('private-news', bearer(jwt('bob'))), watch: await watching(3600), site: await s.raw() }
  await stays.site.subscribed('private-orders')
  assert.equal((await run(['-d', s.data, 'token', 'revoke', 'revoked'])).code, 0)
  assert.equal((await s.request('POST', '/logout', { headers: { ...nobody, ...origin } })).status, 200)
  const codes = {}
  for (const [name, raw] of Object.entries(open)) raw.closed.then(({ code }) => { codes[name] = code })
  for (const [name, raw] of Object.entries(stays)) raw.closed.then(({ code }) => { codes[name] = code })
  await until(() => codes.revoked && codes.out, 'revoked and signed out', 2500).catch(() => {})
  assert.deepEqual([codes.revoked, codes.out], [4009, 4009], 'revoked, signed out')
  await until(() => codes.brief && codes.personal && codes.watch, 'run out', 8000).catch(() => {})
  assert.deepEqual(codes, { revoked: 4009, out: 4009, brief: 4009, personal: 4200, watch: 4200 })
  for (const raw of Object.values(stays)) { await raw.settled(); raw.close() }
  await s.close()
})

test('a question ends with its client, however hard it is; each asker has a few at a time', async () => {
  const s = await serve({ top: '[callers]\nquestions = 50\n' }) // of its own: nothing else is asked there
  const pid = s.child.pid
  await s.v1('POST', '/login', { body: { user: 'bob' } })
  const heavy = await tokenFor(s, 'heavy', ['audit:read']), other = await tokenFor(s, 'other', ['audit:read'])
  const lines = { ...bearer(heavy), accept: 'application/x-ndjson' }
  const seen = new Set()
  try {
    // One whose reader heeds nothing any more: that reader goes with it, and the next question has another.
    const [stuck] = await until(() => childrenOf(pid).length === 1 && childrenOf(pid), 'the reader that waits for the first question')
    process.kill(stuck, 'SIGSTOP')
    seen.add(stuck)
    const question = streaming(s, 'GET', '/v1/events', lines)
    await until(() => question.status === 200 || question.said, 'it is asked')
    await until(async () => (await reads(s)).some((r) => r.by === 'token:heavy'), 'and taken up')
    question.req.destroy()
    await until(() => !alive(stuck), 'its reader ends', 4000)
    assert.ok((await ask(s, 'GET', '/events', { token: heavy, lines: true })).ok, 'the next question is answered')
    // As many as there may be: those that wait for more, and for nobody any more.
    const four = Array.from({ length: 4 }, () => following(s, heavy))
    await until(() => four.every((q) => q.said.includes('"end"')), 'four that follow')
    const fifth = await ask(s, 'GET', '/events', { token: heavy, lines: true })
    assert.deepEqual([fifth.status, fifth.headers['retry-after']], [503, '1'])
    assert.ok((await ask(s, 'GET', '/events', { token: other, lines: true })).ok, 'another asker is answered')
    await until(() => childrenOf(pid).length <= 2, 'who waits holds no reader')
    for (const q of four) q.req.destroy()
    await until(async () => (await ask(s, 'GET', '/events', { token: heavy, lines: true })).ok, 'and there is a place again', 4000)
  } finally {
    for (const child of seen) if (alive(child)) process.kill(child, 'SIGKILL')
  }
  await s.close()
})

test('a question has its limits: of time, of rows, of how many run at once, in all and of one asker', async () => {
  const seconds = sanitized ? 5 : 1
  const s = await serve({ limits: `commands = 3\ncommands_per_caller = 2\ncommand_seconds = ${seconds}\ncommand_rows = 20\ncommand_memory_mb = 256\ncommand_cpu_seconds = ${seconds}` })
  const pid = s.child.pid
  for (let i = 0; i < 30; i++) await s.v1('POST', '/login', { body: { user: `u${i}` } })
  const [one, two, three] = await Promise.all(['one', 'two', 'three'].map((name) => tokenFor(s, name, ['audit:read'])))
  // Rows.
  const long = await ask(s, 'GET', '/events', { lines: true })
  assert.deepEqual([long.rows.length, long.error?.code, long.end], [20, 'too-many', undefined])
  assert.match(long.detail, /more than 20 rows/)
  const whole = await ask(s, 'GET', '/events?limit=25')
  assert.deepEqual([whole.status, whole.code], [429, 'too-many'], whole.text.slice(0, 200))
  assert.equal((await ask(s, 'GET', '/events?limit=20')).json.events.length, 20)
  // At once: of one asker two, in all three. Those that follow have no end.
  const follow = async (token) => { const q = following(s, token, '&limit=1'); await until(() => q.said.includes('"end"') || q.status === 503, 'it follows, or may not'); return q }
  const running = [await follow(one), await follow(one)]
  assert.equal((await follow(one)).status, 503, 'two of one asker')
  running.push(await follow(two))
  assert.equal((await follow(three)).status, 503, 'three in all')
  // Those that follow are not ended by time: they take none.
  const begun = Date.now()
  await until(() => Date.now() - begun > seconds * 1300)
  assert.ok(running.every((q) => !q.over && !q.said.includes('"error"')))
  for (const q of running) q.req.destroy()
  await until(async () => (await ask(s, 'GET', '/events?limit=1', { token: three, lines: true })).ok, 'there is a place again')
  // Time: a reader that heeds nothing is ended, and the asker is told.
  const stopped = childrenOf(pid)
  for (const child of stopped) process.kill(child, 'SIGSTOP')
  const late = await ask(s, 'GET', '/events?limit=1', { lines: true })
  assert.deepEqual([late.status, late.error?.code], [200, 'too-many'], late.text)
  assert.match(late.detail, new RegExp(`ended after ${seconds} s`))
  await until(() => stopped.some((child) => !alive(child)), 'its reader has gone')
  for (const child of stopped.filter(alive)) process.kill(child, 'SIGCONT') // one may be idle beside it
  assert.equal((await ask(s, 'GET', '/store')).status, 200)
  for (const child of childrenOf(pid)) process.kill(child, 'SIGSTOP')
  const lateWhole = await ask(s, 'GET', '/store')
  assert.deepEqual([lateWhole.status, lateWhole.code], [429, 'too-many'], lateWhole.text)
  for (const child of childrenOf(pid)) process.kill(child, 'SIGCONT')
  assert.equal((await ask(s, 'GET', '/store')).status, 200, 'and the next is answered')
  // Memory and processor, as the kernel has them.
  const limitsOf = (child) => readFileSync(`/proc/${child}/limits`, 'utf8')
  await until(async () => { await ask(s, 'GET', '/store'); return childrenOf(pid).some((child) => /^Max cpu time +\d+ /m.test(limitsOf(child))) }, 'a reader that has answered')
  for (const child of childrenOf(pid)) {
    assert.match(limitsOf(child), new RegExp(`^Max address space +${256 << 20} +${256 << 20} `, 'm'))
    assert.match(limitsOf(child), /^Max core file size +0 +0 /m, 'none leaves its memory behind')
  }
  await s.close()
})

test('a client that reads slowly takes of its question’s time, and is told', async () => {
  const s = await serve({ data: await longHistory(), limits: 'command_seconds = 1' })
  const slow = await askSlowly(s, s.token)
  const [reader] = childrenOf(s.child.pid)
  await until(() => !alive(reader), 'its reader is free of it', 5000)
  slow.res.resume()
  await until(() => slow.over, 'and it ends')
  const { error, end, rows } = taken(slow.said)
  assert.deepEqual([error?.code, end], ['too-many', undefined])
  assert.match(error.detail, /ended after 1 s/)
  assert.ok(rows.length < 60_000)
  await s.close()
})

test('a killed server leaves no process behind, and its port is free at once', async () => {
  const first = await serve()
  await first.v1('POST', '/login', { body: { user: 'ada' } })
  const follower = start(['-d', first.data, '--url', first.url, 'audit', '-f'])
  const raw = following(first, first.token)
  await until(() => follower.out.includes('ada') && raw.said.includes('"row"'), 'both follow')
  const children = childrenOf(first.child.pid)
  assert.ok(children.length >= 1)
  for (const child of children) {
    const open = readdirSync(`/proc/${child}/fd`).map((fd) => { try { return [fd, readlinkSync(`/proc/${child}/fd/${fd}`)] } catch { return [fd, ''] } })
    const log = readlinkSync(`/proc/${first.child.pid}/fd/2`) // the server's own, a socket here
    assert.deepEqual(open.filter(([, what]) => what.startsWith('socket:') && what !== log).map(([fd]) => fd), ['0'], 'one socket is theirs, to the server')
    const own = open.map(([, what]) => what).filter((what) => !/^(socket:|pipe:|\/dev\/null$|anon_inode:)/.test(what))
    assert.ok(own.every((what) => what.startsWith(first.data)), `what they have open are files of the store: ${own}`)
    const written = open.filter(([fd, what]) => what.startsWith(first.data) && /^flags:\s+\d*[12]$/m.test(readFileSync(`/proc/${child}/fdinfo/${fd}`, 'utf8')))
    assert.deepEqual(written, [], 'none to write to')
  }
  first.child.kill('SIGKILL')
  await first.exited
  let second
  try {
    second = await serve({ data: first.data, port: first.port })
    assert.equal(second.port, first.port)
    await until(() => children.every((child) => !alive(child)), 'the children are gone', 3000)
    assert.equal((await second.v1('GET', '/presence')).status, 200)
  } finally {
    for (const child of children) if (alive(child)) process.kill(child, 'SIGKILL')
    follower.child.kill('SIGKILL')
  }
  await second.close()
})

test('a question that needs more memory than there may be says so, and the next is answered', { skip: sanitized && 'no limit of memory under a sanitizer' }, async () => {
  const s = await serve({ data: await longHistory(), limits: 'command_memory_mb = 256' })
  for (const lines of [false, true]) {
    const got = await ask(s, 'GET', '/events?limit=60000', { lines }) // the newest so many are gathered first
    assert.deepEqual([got.ok, got.code], [false, 'too-many'], got.text.slice(0, 200))
    assert.match(got.detail, /needs more memory than there may be/)
    const next = await ask(s, 'GET', '/events?limit=5')
    assert.equal(next.json.events?.length, 5, next.text.slice(0, 200))
  }
  await s.close()
})

test('a reader in the middle of an answer ends with its server, however that ends', async () => {
  const data = await longHistory()
  for (const signal of ['SIGKILL', 'SIGTERM']) {
    const s = await serve({ data })
    const slow = await askSlowly(s, s.token)
    const readers = childrenOf(s.child.pid)
    assert.ok(readers.length >= 1)
    const begun = performance.now()
    await s.stop(signal)
    assert.ok(performance.now() - begun < 8000, `${signal}: it waits for nobody who does not read`)
    try {
      await until(() => !readers.some(alive), `${signal}: its readers end`, 3000)
    } finally {
      for (const reader of readers) if (alive(reader)) process.kill(reader, 'SIGKILL')
      slow.req.destroy()
    }
  }
})

test('watching is one read, however often the table is drawn anew', async () => {
  const s = await serve()
  await s.v1('POST', '/login', { body: { user: 'first' } })
  const place = scratch()
  mkdirSync(join(place, 'home'))
  const watching = start(['-qec', `'${binary}' -d '${s.data}' --url '${s.url}' watch`, '/dev/null'], { HOME: join(place, 'home'), TERM: 'xterm' }, 'script')
  const drawn = () => watching.out.split('\x1b[H\x1b[J').length - 1
  try {
    await until(() => watching.out.includes('first'), 'the table')
    for (const user of ['second', 'third', 'fourth']) {
      await s.v1('POST', '/login', { body: { user } })
      await until(() => watching.out.includes(user), `${user} in the table`)
    }
    const before = drawn()
    // Nothing happens: only time draws it anew, every two seconds.
    await until(() => drawn() > before, 'another time', 5000)
    const read = (await reads(s)).filter((r) => !r.by.startsWith('local:')) // not the test's own look
    assert.ok(read.length <= 1, `${read.length} reads were logged: ${JSON.stringify(read.slice(0, 3))}`)
  } finally {
    watching.child.kill('SIGTERM')
    await until(() => watching.ended, 'it ends')
  }
  await s.close()
})
