// The server's own socket, DIR/socket: whoever may open the store's files needs no token there, and nobody else gets in.
import test, { after } from 'node:test'
import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdirSync, readdirSync, renameSync, statSync, unlinkSync, writeFileSync } from 'node:fs'
import { spawn, execFileSync } from 'node:child_process'
import http from 'node:http'
import net from 'node:net'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { Raw, app, binary, run, scratch, until } from './server.mjs'
import { cookieOf, endAll, json, serve } from './access.mjs'

after(endAll)
const me = `local:${userInfo().username}`
const socketOf = (server) => join(server.data, 'socket')
const mode = (file) => (statSync(file).mode & 0o7777).toString(8)

/** A request over a socket, as Server.request makes one over TCP. */
function near(path, method, target, { body, headers = {} } = {}) {
  return new Promise((done, fail) => {
    const req = http.request({ socketPath: path, method, path: target, agent: false, headers: { ...(body ? { 'content-length': Buffer.byteLength(body) } : {}), ...headers } }, (res) => {
      let text = ''
      res.on('data', (d) => (text += d))
      res.on('end', () => {
        let parsed
        try { parsed = JSON.parse(text) } catch { /* not every answer is JSON */ }
        done({ status: res.statusCode, headers: res.headers, text, json: parsed })
      })
    })
    req.on('error', fail)
    req.end(body)
  })
}
const local = (server, method, target, options) => near(socketOf(server), method, target, options)
const queries = async (server, ...more) => JSON.parse((await run(['-d', server.data, ...more, 'audit', 'queries', '-o', 'json'])).out)

test('whoever opens the socket is that user of the system, with every scope and without a token', async () => {
  const s = await serve()
  assert.equal(mode(socketOf(s)), '600')
  assert.ok(statSync(socketOf(s)).isSocket())
  const who = await local(s, 'GET', '/v1/me')
  assert.equal(who.json.name, me)
  assert.deepEqual(who.json.scopes.toSorted(), ['admin', 'audit:read', 'events:write', 'presence:read', 'server:admin'])
  assert.equal((await local(s, 'POST', '/v1/login', json({ user: 'ada' }))).json.outcome, 'applied')
  assert.equal((await local(s, 'POST', '/v1/checkpoint', json({}))).status, 200)
  // What is read is in the log under that name.
  assert.equal((await local(s, 'GET', '/v1/timeline?user=ada', { headers: { 'rollcall-reason': 'case%201' } })).status, 200)
  const row = await until(async () => (await queries(s)).find((r) => r.subject === 'ada'), 'the read is logged')
  assert.equal(row.reader, me)
  // No name leads here, so none is asked for; and what a proxy would say is nobody's word here.
  for (const headers of [{ host: 'anything.example' }, { 'x-forwarded-for': '192.0.2.1' }, { forwarded: 'for=192.0.2.1' }, { authorization: 'Bearer rc_wrong' }, { cookie: 'rollcall_page=x' }]) {
    const got = await local(s, 'GET', '/v1/me', { headers })
    assert.deepEqual([got.status, got.json.name], [200, me], JSON.stringify(headers))
  }
  assert.equal((await s.request('GET', '/v1/me', { host: 'anything.example' })).status, 403)
  await s.close()
})

test('nothing that is sent over TCP makes anybody local', async () => {
  const names = [me, 'local:root', 'local', 'localhost', '127.0.0.1', '::1', 'unix:', '']
  for (const top of ['', 'trusted_proxies = ["127.0.0.1"]']) {
    const s = await serve({ top })
    for (const name of names)
      for (const header of ['x-forwarded-for', 'forwarded', 'x-real-ip', 'local', 'peer', 'x-local', 'remote-user', 'x-remote-user', 'authorization', 'cookie']) {
        const value = { forwarded: `for="${name}"`, authorization: `Bearer ${name}`, cookie: `rollcall_page=${name}` }[header] ?? name
        const got = await s.request('GET', '/v1/log', { headers: { [header]: value } })
        assert.equal(got.status, 401, `${top} ${header}: ${value}`)
        const who = await s.request('GET', '/v1/me', { headers: { [header]: value } })
        assert.ok(who.status === 401 || who.json.scopes.length === 0, `${top} ${header}: ${value}`)
      }
    for (const host of ['localhost', 'unix', `127.0.0.1:${s.port}`])
      assert.notEqual((await s.request('GET', '/v1/log', { host })).status, 200)
    await s.close()
  }
  // Neither does the PROXY protocol, which has a form for such sockets.
  const s = await serve({ top: 'trusted_proxies = ["127.0.0.1"]\nproxy_protocol = true' })
  const signature = Buffer.from('0d0a0d0a000d0a515549540a', 'hex')
  const path = Buffer.concat([Buffer.from(me), Buffer.alloc(108 - me.length)])
  const heads = {
    'PROXY UNKNOWN': Buffer.from('PROXY UNKNOWN\r\n'),
    'v2 LOCAL': Buffer.concat([signature, Buffer.from([0x20, 0, 0, 0])]),
    'v2 of a UNIX socket': Buffer.concat([signature, Buffer.from([0x21, 0x31, 0, 216]), path, path]),
  }
  for (const [name, head] of Object.entries(heads)) {
    const text = await new Promise((done, fail) => {
      let got = ''
      const c = net.connect(s.port, '127.0.0.1', () => c.write(Buffer.concat([head, Buffer.from('GET /v1/log HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')])))
      c.on('data', (d) => (got += d)).on('end', () => done(got)).on('error', fail)
    })
    assert.match(text, /^HTTP\/1\.1 401 /, name)
  }
  // On the socket itself nobody begins so.
  assert.equal((await local(s, 'GET', '/v1/me')).json.name, me)
  // A cookie would work everywhere: there is none.
  const refused = await local(s, 'POST', '/login', json({}))
  assert.equal(refused.status, 403)
  assert.equal(refused.headers['set-cookie'], undefined)
  assert.throws(() => cookieOf(refused))
  await s.close()
})

test('the socket is gone after a stop; one that kill -9 left is replaced at the next start', async () => {
  const s = await serve()
  await s.stop()
  assert.ok(!existsSync(socketOf(s)))
  await s.launch()
  await s.stop('SIGKILL')
  assert.ok(existsSync(socketOf(s)))
  // To a command it is as if there were none.
  const wrote = await run(['-d', s.data, 'login', 'between'])
  assert.equal(wrote.code, 0, wrote.err)
  const left = statSync(socketOf(s)).ino
  writeFileSync(`${socketOf(s)}.new`, 'of one that was killed while it made its own')
  await s.launch()
  assert.notEqual(statSync(socketOf(s)).ino, left)
  assert.equal(mode(socketOf(s)), '600')
  assert.ok(!existsSync(`${socketOf(s)}.new`))
  assert.equal((await local(s, 'GET', '/v1/me')).json.name, me)
  await s.close()
})

test('where there is something else in its place the server starts without it, and says so', async () => {
  const data = scratch()
  writeFileSync(join(data, 'socket'), 'mine')
  const s = await serve({ data })
  assert.match(s.log, /warning .*is there and is no socket/)
  assert.equal((await s.request('GET', '/up')).status, 200)
  await s.close()
  assert.ok(statSync(join(data, 'socket')).isFile())
})

test('a restart keeps the socket: whoever connects meanwhile waits', async () => {
  const s = await serve()
  const before = statSync(socketOf(s)).ino
  const turnedAway = []
  let going = true, answered = 0
  const asking = (async () => {
    while (going)
      await local(s, 'GET', '/up').then(() => ++answered, (e) => { if (['ECONNREFUSED', 'ENOENT', 'EACCES'].includes(e.code)) turnedAway.push(e.code) })
  })()
  await until(() => answered > 0, 'an answer')
  s.out = ''
  s.child.kill('SIGUSR2')
  const wrote = await run(['-d', s.data, 'login', 'meanwhile'])  // by the old program, or by the new
  await until(() => s.out.includes('listening on'), 'the new program', 20000)
  const then = answered
  await until(() => answered > then + 3, 'answers of the new program')
  going = false
  await asking
  assert.deepEqual(turnedAway, [])
  assert.ok(wrote.code === 0 || /again|drain|stopp|broke off|no answer/.test(wrote.err), wrote.err)
  assert.equal(statSync(socketOf(s)).ino, before)
  assert.equal(mode(socketOf(s)), '600')
  assert.equal((await local(s, 'GET', '/v1/me')).json.name, me)
  assert.equal((await s.request('GET', '/up')).status, 200)
  // One that somebody removed is made anew.
  unlinkSync(socketOf(s))
  s.out = ''
  s.child.kill('SIGUSR2')
  await until(() => s.out.includes('listening on'), 'the new program', 20000)
  assert.equal((await local(s, 'GET', '/v1/me')).json.name, me)
  await s.stop()
  assert.ok(!existsSync(socketOf(s)))
})

test('a folder may lie deeper than the address of a socket reaches', async () => {
  const data = join(scratch(), 'a'.repeat(90), 'b'.repeat(90))
  mkdirSync(data, { recursive: true })
  const s = await serve({ data })
  assert.equal(mode(socketOf(s)), '600')
  const wrote = await run(['-d', data, 'login', 'deep'])
  assert.equal(wrote.code, 0, wrote.err)
  const elsewhere = spawn(binary, ['-d', 'b'.repeat(90), 'logout', 'deep'], { cwd: join(data, '..'), stdio: 'ignore' })
  assert.equal(await new Promise((done) => elsewhere.on('exit', done)), 0)
  s.out = ''
  s.child.kill('SIGUSR2')
  await until(() => s.out.includes('listening on'), 'the new program', 20000)
  assert.equal((await run(['-d', data, 'login', 'deep'])).code, 0)
  await s.stop()
  assert.deepEqual(readdirSync(data).filter((name) => name.startsWith('socket')), [])
  const gone = await run(['-d', data, 'logout', 'deep'])
  assert.equal(gone.code, 0, gone.err)
})

test('every command that writes works on the folder of a served store, through its server', async () => {
  const s = await serve()
  renameSync(join(s.data, 'admin.token'), join(s.data, 'put-away'))  // no token is needed
  const cli = (...args) => run(['-d', s.data, ...args], { ROLLCALL_TOKEN: 'rc_wrong' })
  const ok = async (...args) => { const r = await cli(...args); assert.equal(r.code, 0, `${args.join(' ')}: ${r.err}`); return r.out }
  assert.match(await ok('login', 'ada', '--address', '10.0.0.1'), /applied +ada +online/)
  assert.match(await ok('activity', 'ada', '--action', 'x.y', '--properties', '{"a":1}'), /applied/)
  assert.match(await ok('status', 'ada', '--as', 'away', '--until', '+1h'), /away/)
  assert.equal((await s.v1('GET', '/presence/ada', { token: s.token })).json.state, 'away')
  assert.match(await ok('checkpoint', 'sign'), /^rollcall\.local\/.*\n\d+\n/)
  assert.match(await ok('--reason', 'case 1', 'hold', 'add', 'ada'), /^#\d+/)
  assert.equal((await cli('--reason', 'asked', 'forget', 'ada', '--yes')).code, 3)
  assert.match(await ok('--reason', 'closed', 'hold', 'release', 'ada', '--yes'), /^#\d+/)
  assert.match(await ok('retention', 'set', 'activity', '365d'), /^#\d+/)
  assert.match(await ok('retention', 'apply', '--yes'), /0 texts dropped/)
  assert.match(await ok('key', 'rotate', '--epoch'), /key epoch 2/)
  assert.match(await ok('key', 'rotate'), /^rollcall\.local/)
  assert.match(await ok('key', 'rotate', '--master'), /wrapped anew/)
  // The server would not see the key: nobody is to believe that it took this one.
  const unseen = await run(['-d', s.data, 'key', 'rotate', '--master'], { ROLLCALL_NEW_MASTER_KEY: 'ab'.repeat(32) })
  assert.deepEqual([unseen.code, /ROLLCALL_NEW_MASTER_KEY is set here/.test(unseen.err)], [3, true])
  await ok('store', 'reads', 'reason')
  assert.equal(await ok('store', 'reads'), 'reason\n')
  await ok('store', 'reads', 'free')
  assert.equal((await cli('forget', 'ada', '--dry-run')).code, 7)
  const receipt = join(s.data, 'receipt')
  assert.match(await ok('--reason', 'asked', 'forget', 'ada', '--yes', '--receipt', receipt), /forgotten at #\d+/)
  assert.equal((await cli('logout', 'ada')).code, 1)
  const file = join(s.data, 'events.ndjson')
  writeFileSync(file, '{"at":"2020-01-01T00:00:00Z","event":"login","user":"old"}\n')
  const imported = await cli('import', file)
  assert.notEqual(imported.code, 0)
  assert.doesNotMatch(imported.err, /another process is writing/)
  const clock = await cli('--accept-clock', 'login', 'ada')
  assert.deepEqual([clock.code, /--accept-clock/.test(clock.err)], [2, true])
  assert.match((await cli('verify')).out, /VERIFIED/)
  await s.stop()
  assert.match(await ok('login', 'bob'), /applied/)  // and on the folder, when nobody serves it
})

test('with several apps ?app= chooses, and --app; one that this server does not serve is its folder', async () => {
  const s = await serve({ settings: '[[apps]]\nid = "side"\nkey = "side-key"\nsecret = "side-secret"' })
  assert.equal((await local(s, 'GET', '/v1/log')).status, 404)
  for (const id of [app.id, 'side']) {
    assert.equal((await local(s, 'GET', `/v1/me?app=${id}`)).json.app, id)
    const wrote = await run(['-d', s.data, '--app', id, 'login', `of-${id}`])
    assert.equal(wrote.code, 0, wrote.err)
    assert.equal((await s.v1('GET', `/presence/of-${id}?app=${id}`)).status, 200)
  }
  assert.equal((await s.v1('GET', `/presence/of-side?app=${app.id}`)).status, 404)
  const unsaid = await run(['-d', s.data, 'login', 'ada'])
  assert.deepEqual([unsaid.code, /several apps.*--app/.test(unsaid.err)], [1, true])
  const unserved = await run(['-d', s.data, '--app', 'third', 'login', 'ada'])
  assert.equal(unserved.code, 0, unserved.err)
  assert.match((await run(['-d', s.data, '--app', 'third', 'who'])).out, /ada/)
  await s.close()
})

test('limits hold over the socket as for a token', async () => {
  const s = await serve({ top: '[callers]\nservice_writes_per_s = 1' })
  const got = []
  for (let i = 0; i < 8; ++i) got.push((await local(s, 'POST', '/v1/activity', json({ user: 'ada' }))).status)
  assert.equal(got.filter((status) => status === 429).length >= 2, true, got.join(' '))
  assert.equal((await s.v1('POST', '/login', { body: { user: 'ada' } })).status, 200)  // another caller's share
  await s.close()
})

test('streams and WebSockets work over the socket', async () => {
  const s = await serve()
  const lines = []
  const req = http.get({ socketPath: socketOf(s), path: '/v1/stream', agent: false }, (res) => res.on('data', (d) => lines.push(String(d))))
  req.on('error', () => {})
  const raw = await Raw.open(`ws+unix:${socketOf(s)}:/app/${app.key}?protocol=7`)
  await raw.subscribed('room')
  await s.trigger('room', 'said', { x: 1 })
  await raw.wait('said', 'room')
  await until(() => req.res, 'the head of the stream')
  await local(s, 'POST', '/v1/login', json({ user: 'streamed' }))
  await until(() => lines.join('').includes('streamed'), 'the event')
  req.destroy()
  raw.close()
  await raw.closed
  await s.close()
})

test('another user of the system is let in by nobody', { skip: process.getuid() !== 0 && 'only root can be another user' }, async () => {
  const other = 65534, s = await serve()
  const ask = (path) => new Promise((done) => {
    const script = `require('node:http').get({ socketPath: ${JSON.stringify(path)}, path: '/v1/me' }, (r) => { console.log(r.statusCode); process.exit(0) }).on('error', (e) => { console.log(e.code); process.exit(0) })`
    const child = spawn(process.execPath, ['-e', script], { uid: other, gid: other, cwd: '/', stdio: ['ignore', 'pipe', 'inherit'] })
    let out = ''
    child.stdout.on('data', (d) => (out += d))
    child.on('close', () => done(out.trim()))
  })
  const as = (...args) => new Promise((done) => {
    const child = spawn(binary, ['-d', s.data, ...args], { uid: other, gid: other, cwd: '/', stdio: ['ignore', 'pipe', 'pipe'] })
    let err = ''
    child.stderr.on('data', (d) => (err += d))
    child.on('close', (code) => done({ code, err }))
  })
  execFileSync('chmod', ['-R', 'a+rX', join(s.data, 'apps')])
  chmodSync(s.data, 0o755)
  assert.equal(await ask(socketOf(s)), 'EACCES')
  const refused = await as('login', 'eve')
  assert.deepEqual([refused.code, /socket of a server that another user runs/.test(refused.err)], [6, true], refused.err)
  chmodSync(socketOf(s), 0o666)  // as somebody might; the server asks the system who it is
  assert.match(await ask(socketOf(s)), /^(ECONNRESET|EPIPE)$/)
  const closed = await as('login', 'eve')
  assert.deepEqual(closed, refused)
  assert.match(s.log, /connection refused: 403/)
  await s.close()
})
