// What comes before any answer: HTTP as RFC 9110 and 9112 have it, byte by byte over sockets of our own;
// proxies in front; TLS; and what one caller may not take from the others.
import test, { before, after } from 'node:test'
import assert from 'node:assert/strict'
import net from 'node:net'
import tls from 'node:tls'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import WebSocket from 'ws'
import { Server, Raw, app, auth, run, scratch, until } from './server.mjs'
import { detail, header, jwt, jwtSettings, open, said, status } from './wire.mjs'

let server, port
before(async () => { server = await Server.start({ settings: jwtSettings }); port = server.port })
after(() => server.close())

// -- heads --

for (const [what, head, wanted] of [
  ['a Transfer-Encoding that only looks like chunked', 'POST /v1/login HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n', 400],
  ['two codings', 'POST /v1/login HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n', 400],
  ['identity', 'POST /v1/login HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: identity\r\n\r\n', 400],
  ['chunked twice', 'POST /v1/login HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 400],
  ['Transfer-Encoding and Content-Length', 'POST /v1/login HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n', 400],
  ['the two the other way round', 'POST /v1/login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 400],
  ['Transfer-Encoding in HTTP/1.0', 'POST /v1/login HTTP/1.0\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 400],
  ['two Content-Lengths that agree', 'POST /v1/login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}', 400],
  ['two that do not', 'POST /v1/login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}', 400],
  ['a list of them', 'POST /v1/login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2, 2\r\n\r\n{}', 400],
  ['one that is no number', 'POST /v1/login HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n', 400],
  ['one beyond 64 bits', 'POST /v1/login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999999999999\r\n\r\n', 400],
  ['two Hosts', 'GET /up HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n', 400],
  ['a port above 65535 in Host', 'GET /v1/me HTTP/1.1\r\nHost: localhost:65536\r\n\r\n', 400],
  ['the same of IPv6', 'GET /v1/me HTTP/1.1\r\nHost: [::1]:99999\r\n\r\n', 400],
  ['port 0', 'GET /v1/me HTTP/1.1\r\nHost: localhost:0\r\n\r\n', 400],
  ['a port above 65535 in the target', 'GET http://localhost:99999/v1/me HTTP/1.1\r\nHost: localhost\r\n\r\n', 400],
  ['no Host', 'GET /v1/me HTTP/1.1\r\n\r\n', 400],
  ['no Host, for a balancer', 'GET /up HTTP/1.1\r\n\r\n', 400],
  ['a Host that is two', 'GET /v1/me HTTP/1.1\r\nHost: localhost, evil\r\n\r\n', 400],
  ['a foreign Host', 'GET /v1/me HTTP/1.1\r\nHost: evil.example\r\n\r\n', 403],
  ['no HTTP', 'hello\r\n\r\n', 400],
  ['an expectation nobody knows', 'POST /v1/login HTTP/1.1\r\nHost: localhost\r\nExpect: a-miracle\r\nContent-Length: 2\r\n\r\n{}', 417],
  ['broken chunks', 'POST /v1/login HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n', 400],
]) test(`${what}: ${wanted}, and nothing behind it is a request`, async () => {
  const text = await said(port, head + 'GET /up HTTP/1.1\r\nHost: localhost\r\n\r\n')
  assert.equal(status(text), wanted, text)
  assert.equal(text.match(/HTTP\/1\.1 \d/g).length, 1, text)
  assert.match(header(text, 'Connection'), /close/)
  assert.ok(header(text, 'Date'), text)
})

test('a balancer asks /up and /v1/health by address, or in HTTP/1.0 by none', async () => {
  for (const path of ['/up', '/v1/health']) {
    for (const host of ['Host: 10.244.0.5:8080\r\n', 'Host: whatever.internal\r\n', ''])
      assert.equal(status(await said(port, `GET ${path} HTTP/1.0\r\n${host}\r\n`)), 200, path + host)
    assert.equal(status(await said(port, `GET ${path} HTTP/1.1\r\nHost: 10.244.0.5:8080\r\nConnection: close\r\n\r\n`)), 200)
    assert.equal(status(await said(port, `HEAD ${path} HTTP/1.1\r\nHost: 10.244.0.5\r\nConnection: close\r\n\r\n`)), 200)
  }
  assert.equal(status(await said(port, 'GET /v1/me HTTP/1.0\r\n\r\n')), 403)
  assert.equal(status(await said(port, 'GET /v1/presence HTTP/1.1\r\nHost: 10.244.0.5\r\nConnection: close\r\n\r\n')), 403)
})
test('HTTP/1.0 is kept open where it asks, said so, and else closed', async () => {
  const s = await open(port)
  for (let i = 1; i <= 3; i++) {
    s.write('GET /up HTTP/1.0\r\nHost: localhost\r\nConnection: Keep-Alive\r\n\r\n')
    await until(() => s.text.split('{"health":"OK"}').length === i + 1, 'an answer')
  }
  assert.match(header(s.text, 'Connection'), /keep-alive/i)
  assert.equal(header(s.text, 'Content-Length'), '15')
  s.destroy()
  assert.match(header(await said(port, 'GET /up HTTP/1.0\r\nHost: localhost\r\n\r\n'), 'Connection'), /close/)
})
test('ApacheBench with -k', { skip: spawnSync('ab', ['-V']).error && 'apache2-utils is not installed' }, () => {
  const out = execFileSync('ab', ['-q', '-k', '-n', '200', '-c', '4', '-s', '5', `http://127.0.0.1:${port}/up`]).toString()
  assert.match(out, /Complete requests: +200/)
  assert.match(out, /Failed requests: +0/)
  assert.match(out, /Keep-Alive requests: +200/)
})
test('HEAD is GET without its body, and the next answer follows at once', async () => {
  const s = await open(port)
  for (const path of ['/up', '/openapi.json', '/v1/health', '/v1/nothing', '/v1/presence', '/apps/main/channels']) {
    const request = (method) => `${method} ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`
    s.text = ''
    s.write(request('HEAD'))
    await until(() => s.text.includes('\r\n\r\n'), `the head of ${path}`)
    const head = s.text
    assert.ok(head.endsWith('\r\n\r\n'), head)
    s.text = ''
    s.write(request('GET'))
    await until(() => s.text.includes('\r\n\r\n') && s.text.length >= s.text.indexOf('\r\n\r\n') + 4 + Number(header(s.text, 'Content-Length')), path)
    assert.equal(status(head), status(s.text), path)
    if (path !== '/apps/main/channels') assert.equal(header(head, 'Content-Length'), header(s.text, 'Content-Length'), path)
  }
  s.destroy()
  const stream = await server.v1('HEAD', '/stream')
  assert.deepEqual([stream.status, stream.headers.allow], [405, 'GET'])
  const allowed = await server.request('POST', '/v1/presence')
  assert.deepEqual([allowed.status, allowed.headers.allow], [405, 'GET, HEAD'])
  assert.equal((await server.request('GET', '/login')).headers.allow, 'POST')
})
test('Expect: 100-continue is met at once, and not where the request is refused', async () => {
  const body = JSON.stringify({ user: 'expectant' })
  const s = await open(port)
  s.write(`POST /v1/login HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${server.token}\r\nExpect: 100-continue\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n`)
  await until(() => s.text, 'the interim answer', 900)
  assert.equal(s.text, 'HTTP/1.1 100 Continue\r\n\r\n')
  s.text = ''
  s.write(body)
  await until(() => s.over, 'an end')
  assert.equal(status(s.text), 200, s.text)
  s.destroy()
  const refused = await said(port, 'POST /v1/login HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 99999999\r\n\r\n')
  assert.equal(status(refused), 413)
})
test('a request target may be a whole URL, and its host is the one that counts', async () => {
  const get = (target, host) => said(port, `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)
  assert.equal(status(await get('http://localhost/up', 'localhost')), 200)
  assert.equal(status(await get('http://localhost/v1/me', 'evil.example')), 200)
  assert.equal(status(await get('http://evil.example/v1/me', 'localhost')), 403)
})
test('a handshake that lost a header on its way is told which', async () => {
  const ask = (version, lines) => said(port, `GET /app/${app.key}?protocol=7 HTTP/${version}\r\nHost: localhost\r\nConnection: close\r\n${lines}\r\n`)
  const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n'
  for (const [version, lines, named] of [
    ['1.1', key, /`Upgrade: websocket`/], ['1.1', '', /`Upgrade: websocket`/], ['1.1', key + 'Upgrade: websocket\r\n', /`Connection: Upgrade`/],
    ['1.0', key + 'Upgrade: websocket\r\n', /HTTP\/1\.0/],
  ]) {
    const text = await ask(version, lines)
    assert.equal(status(text), 426, text)
    assert.match(detail(text), named)
    assert.equal(header(text, 'Upgrade'), 'websocket')
  }
  const stream = await said(port, `GET /v1/stream HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${key}\r\n`)
  assert.equal(status(stream), 426)
})
test('every answer has its date', async () => {
  const c = await server.raw()
  for (const [method, path] of [['GET', '/up'], ['GET', '/none'], ['POST', '/v1/login'], ['GET', '/apps/main/channels'], ['GET', '/apps/none/x'], ['OPTIONS', '/up']]) {
    const r = await server.request(method, path)
    assert.ok(Math.abs(Date.parse(r.headers.date) - Date.now()) < 5000, `${method} ${path} ${r.headers.date}`)
  }
  c.close()
  const streaming = await open(port)
  streaming.write(`GET /v1/stream HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${server.token}\r\n\r\n`)
  await until(() => streaming.text.includes('\r\n\r\n'), 'the head of a stream')
  assert.ok(header(streaming.text, 'Date'))
  streaming.destroy()
})
test('a stream for HTTP/1.0 has no chunks and ends with the connection', async () => {
  const s = await open(port)
  s.write(`GET /v1/stream HTTP/1.0\r\nHost: localhost\r\nAuthorization: Bearer ${server.token}\r\n\r\n`)
  await until(() => s.text.includes('\r\n\r\n:\n\n'), 'the first comment, as it is')
  assert.equal(header(s.text, 'Transfer-Encoding'), undefined)
  s.destroy()
})

// -- sizes --

for (const [what, path] of [['/v1', '/v1/activity'], ['the Pusher API', '/apps/main/events'], ['a path that is none', '/nothing'], ['the page', '/'], ['signing in', '/login']])
  test(`a body of 2 MB to ${what} is answered 413, which arrives`, async () => {
    const body = 'x'.repeat(2 << 20)
    for (const bytes of [
      `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      `POST ${path} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`,
      `POST ${path} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n` + `10000\r\n${'y'.repeat(65536)}\r\n`.repeat(32) + '0\r\n\r\n',
    ]) {
      const s = await open(port)
      await new Promise((sent) => s.write(bytes, sent))  // all of it, before anything is read
      await until(() => s.over, 'an end')
  assert.equal(s.over, 'end')
      assert.equal(status(s.text), 413, s.text)
      assert.ok(detail(s.text))
      s.destroy()
    }
  })
test('who writes all of a large body before reading anything reads the 413, however many writes it takes', async () => {
  // More than both ends' buffers hold (net.ipv4.tcp_rmem and tcp_wmem end at 6 and 4 MB): the last
  // writes leave only after the answer was given and the rest was read.
  const piece = 'z'.repeat(1 << 18), pieces = 96
  for (const [head, wrap] of [
    [`Content-Length: ${piece.length * pieces}`, (text) => text],
    ['Transfer-Encoding: chunked', (text) => `${text.length.toString(16)}\r\n${text}\r\n`],
  ]) {
    const s = await open(port)
    s.pause()
    const write = (bytes) => new Promise((sent, fail) => s.write(bytes, (e) => (e ? fail(e) : sent())))
    await write(`POST /v1/activity HTTP/1.1\r\nHost: localhost\r\n${head}\r\n\r\n`)
    for (let i = 0; i < pieces; i++) await write(wrap(piece))
    assert.equal(s.text, '', 'nothing was read')
    s.resume()
    await until(() => s.over, 'an end')
    assert.equal(s.over, 'end', 'and not a reset')
    assert.equal(status(s.text), 413, s.text)
    assert.match(detail(s.text), /too large/)
    s.destroy()
  }
})
test('a head that is too large is 431, a target 414, and both arrive', async () => {
  const s = await open(port)
  await new Promise((sent) => s.write(`GET /up HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(1 << 20)}\r\n\r\n`, sent))
  await until(() => s.over, 'an end')
  assert.equal(s.over, 'end')
  assert.equal(status(s.text), 431)
  assert.equal(status(await said(port, `GET /up HTTP/1.1\r\nHost: localhost\r\n${'X: y\r\n'.repeat(10000)}\r\n`)), 431)
  assert.equal(status(await said(port, `GET /${'x'.repeat(100000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`)), 414)
})
test('a Content-Length that promises more than comes is 400 at the end', async () => {
  const s = await open(port)
  s.end(`POST /v1/login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50\r\n\r\n{"user":"x"}`)
  await until(() => s.over, 'an end')
  assert.equal(status(s.text), 400, s.text)
  const chunked = await open(port)
  chunked.end(`POST /v1/login HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab`)
  await until(() => chunked.over, 'an end')
  assert.equal(status(chunked.text), 400)
  // One that promises less: what is left is no request.
  const less = await said(port, `POST /v1/login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}}}}}\r\n\r\n`)
  assert.deepEqual([...less.matchAll(/HTTP\/1\.1 (\d+)/g)].map((m) => m[1]), ['401', '400'])
})
test('numbers out of their range are 422', async () => {
  for (const after of ['18446744073709551615', '18446744073709551616', '9223372036854775808', '-1', '1e3', '4294967296000'])
    assert.equal((await server.v1('GET', `/stream?after=${after}`)).status, 422, after)
  const inHeader = await server.v1('GET', '/stream', { headers: { 'last-event-id': '18446744073709551615' } })
  assert.equal(inHeader.status, 422)
  for (const query of ['after=18446744073709551615', 'before=18446744073709551616', 'limit=99999999999999999999', 'limit=-1'])
    assert.equal((await server.v1('GET', `/rooms/lobby/messages?${query}`)).status, 422, query)
  assert.equal((await server.v1('GET', '/presence?limit=18446744073709551615')).status, 422)
  assert.equal((await server.v1('GET', '/catchup?channel=private-presence&socket_id=1.1&auth=x&after=18446744073709551615')).status, 422)
})

// -- a path's prefix, ids and keys as people have them --

test('a prefix with a slash behind it, and an app id and key as Pusher\'s kin make them', async () => {
  const data = scratch()
  writeFileSync(join(data, 'rollcall.toml'), `path = "sockets//"\n[[apps]]\nid = "Xhd39X7P49iEt9PIeGDY"\nkey = "My.Key:1"\nsecret = "s"\n[[apps]]\nid = 1234567\nkey = 42\nsecret = "s"\n`)
  const child = spawn(process.env.ROLLCALL_BINARY ?? server.child.spawnfile, ['-d', data, 'serve', '--listen', '127.0.0.1:0'], { stdio: ['ignore', 'pipe', 'pipe'] })
  const exited = new Promise((done) => child.on('exit', done))
  let out = '', err = ''
  child.stdout.on('data', (d) => (out += d))
  child.stderr.on('data', (d) => (err += d))
  await until(() => out.includes('listening on') || child.exitCode !== null, 'listening', 30000)
  assert.match(out, /listening on/, err)
  const at = new URL(out.match(/listening on (\S+)/)[1]).port
  for (const path of ['/sockets/app/My.Key:1', '/app/My.Key:1', '/sockets/app/My.Key%3A1', '/sockets/app/42']) {
    const c = await Raw.open(`ws://127.0.0.1:${at}${path}?protocol=7`)
    assert.ok(c.id, path)
    c.close()
  }
  const beside = await Raw.open(`ws://127.0.0.1:${at}/socketsapp/42?protocol=7`)
  assert.equal((await beside.closed).code, 4005)
  assert.equal(status(await said(at, 'GET /sockets/up HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')), 200)
  child.kill()
  await exited
})
for (const [what, text, sentence] of [
  ['two ids that differ in capitals alone', '[[apps]]\nid = "a"\nkey = "1"\nsecret = "s"\n[[apps]]\nid = "A"\nkey = "2"\nsecret = "s"', /capitals/],
  ['an id that is a folder above', '[[apps]]\nid = ".."\nkey = "1"\nsecret = "s"', /A-Z/],
  ['an id with a slash', '[[apps]]\nid = "a/b"\nkey = "1"\nsecret = "s"', /A-Z/],
  ['a path with a query', 'path = "/a?b"\n[[apps]]\nid = "a"\nkey = "1"\nsecret = "s"', /path must be/],
  ['a proxy that is no address', 'trusted_proxies = ["lb.internal"]\n[[apps]]\nid = "a"\nkey = "1"\nsecret = "s"', /lb\.internal/],
  ['the PROXY protocol from anybody', 'proxy_protocol = true\n[[apps]]\nid = "a"\nkey = "1"\nsecret = "s"', /trusted_proxies/],
]) test(`${what}: the start is refused with a sentence`, async () => {
  const data = scratch()
  writeFileSync(join(data, 'rollcall.toml'), text)
  const r = await run(['-d', data, 'serve', '--listen', '127.0.0.1:0'])
  assert.notEqual(r.code, 0)
  assert.match(r.err, sentence)
})

// -- TLS --

async function withTls(options, body) {
  const folder = scratch()
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '1', '-subj', '/CN=localhost',
    '-keyout', join(folder, 'key.pem'), '-out', join(folder, 'cert.pem')], { stdio: 'ignore' })
  const s = await Server.start({ ...options, args: ['--tls-cert', join(folder, 'cert.pem'), '--tls-key', join(folder, 'key.pem')] })
  try { await body(s, folder) } finally { await s.close() }
}
test('TLS ends with close_notify; plain HTTP on its port is told so, and logged once', () => withTls({}, async (s) => {
  const done = spawnSync('openssl', ['s_client', '-connect', `127.0.0.1:${s.port}`, '-ign_eof', '-msg'],
    { input: 'GET /up HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n', timeout: 15000 })
  const out = done.stdout.toString()
  assert.match(out, /"health":"OK"/)
  assert.match(out, /<<< TLS 1\.3, Alert \[length 0002\], warning close_notify/)
  assert.ok(!out.includes('decode_error'))
  const big = await said(s.port, `POST /v1/login HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${2 << 20}\r\n\r\n${'x'.repeat(2 << 20)}`,
    (ready) => tls.connect({ port: s.port, host: '127.0.0.1', rejectUnauthorized: false, allowHalfOpen: true }, ready))
  assert.equal(status(big), 413)
  for (let i = 0; i < 3; i++) {
    const text = await said(s.port, 'GET /up HTTP/1.1\r\nHost: localhost\r\n\r\n')
    assert.equal(status(text), 400, text)
    assert.match(detail(text), /https:\/\//)
    assert.ok(header(text, 'Date'))
  }
  assert.equal(s.log.match(/spoke no TLS/g).length, 1)
}))

test('handshakes that never end are counted and over in time, and who is there goes on', () => withTls({ limits: 'connections = 20\nhandshakes_per_s = 10000' }, async (s) => {
  const connect = () => Raw.open(`wss://127.0.0.1:${s.port}/app/${app.key}?protocol=7`, { rejectUnauthorized: false })
  const there = await Promise.all(Array.from({ length: 5 }, connect))
  // A record that announces a ClientHello of 512 bytes, of which none comes.
  const many = 150, half = []
  for (let i = 0; i < many; i++) {
    const socket = net.connect({ port: s.port, host: '127.0.0.1' })
    const one = { socket, over: false }
    socket.on('connect', () => socket.write(Buffer.from([22, 3, 1, 2, 0, 1])))
    socket.on('close', () => { one.over = true })
    socket.on('error', () => {})
    socket.resume()
    half.push(one)
  }
  const open = () => half.filter((h) => !h.over).length
  // 20 connections and 50 that have not said what they want, as the server counts: the five are among them.
  await until(() => open() <= 65, 'those beyond the bound are let go')
  assert.ok(open() > 20, 'and not all')
  await until(() => /as many connections as there may be/.test(s.log), 'a line in the log')
  for (const raw of there) { await raw.settled(); await raw.subscribed('public') }
  await until(() => open() === 0, 'all are over', 20000)
  there.push(await connect())
  await there.at(-1).settled()
  for (const raw of there) raw.close()
}))

// -- proxies --

const from = (address, more = {}) => ({ 'x-forwarded-for': address, ...more })
test('limits count clients, not the proxy they come through; who holds a subscription passes', async () => {
  const s = await Server.start({ top: 'trusted_proxies = ["127.0.0.0/8"]\n[callers]\nfailures_per_minute = 20\n' })
  const wrong = (address) => s.request('GET', `/v1/catchup?channel=private-x&socket_id=1.1&auth=x&after=0`, { headers: from(address) })
  for (let i = 0; i < 20; i++) assert.equal((await wrong('198.51.100.7')).status, 403)
  const over = await wrong('198.51.100.7')
  assert.equal(over.status, 429)
  assert.ok(Number(over.headers['retry-after']) >= 1)
  assert.equal((await wrong('198.51.100.8')).status, 403)
  assert.equal((await wrong('192.0.2.1, 198.51.100.7')).status, 429)  // what the client wrote itself names nobody
  // Tokens and signatures likewise.
  const token = (address, text) => s.request('GET', '/v1/presence', { headers: from(address, { authorization: `Bearer ${text}` }) })
  for (let i = 0; i < 20; i++) assert.equal((await token('198.51.100.9', 'wrong')).status, 401)
  assert.equal((await token('198.51.100.9', 'wrong')).status, 429)
  assert.equal((await token('198.51.100.9', s.token)).status, 200)
  assert.equal((await s.request('GET', '/apps/main/channels?auth_signature=x', { headers: from('198.51.100.9') })).status, 429)
  assert.equal((await s.api('GET', '/channels')).status, 200)
  const c = await s.raw(undefined, { headers: from('198.51.100.7') })
  await c.subscribed('private-x')
  const right = await s.request('GET', `/v1/catchup?channel=private-x&socket_id=${c.id}&auth=${encodeURIComponent(auth(c.id, 'private-x'))}&after=0`, { headers: from('198.51.100.7') })
  assert.equal(right.status, 200, right.text)
  c.close()
  await s.close()
})
test('the log keeps the client\'s address, of a trusted proxy\'s header alone', async () => {
  const s = await Server.start({ top: 'trusted_proxies = ["127.0.0.1"]\n' })
  const joined = async (user, headers) => {
    const c = await s.raw(undefined, { headers })
    await c.subscribed('presence-x', { user_id: user })
    await until(async () => (await s.cli('audit', '-u', user, '-o', 'ndjson')).out.includes('address'), 'the session')
    c.close()
    return (await s.cli('audit', '-u', user, '-o', 'ndjson')).out
  }
  assert.match(await joined('ada', { 'x-forwarded-for': '203.0.113.5, 198.51.100.7' }), /198\.51\.100\.7/)
  assert.match(await joined('bob', { forwarded: 'for="[2001:db8::5]:1";proto=https' }), /2001:db8::5/)
  await s.close()
  const none = await Server.start()
  const c = await none.raw(undefined, { headers: { 'x-forwarded-for': '198.51.100.7' } })
  await c.subscribed('presence-x', { user_id: 'eve' })
  await until(async () => (await none.cli('audit', '-u', 'eve', '-o', 'ndjson')).out.includes('address'), 'the session')
  assert.ok(!(await none.cli('audit', '-u', 'eve', '-o', 'ndjson')).out.includes('198.51.100.7'))
  c.close()
  await none.close()
})
test('behind a proxy that ends TLS, wss:// is TLS for tls_only and for the cookie', async () => {
  const s = await Server.start({ top: 'trusted_proxies = ["127.0.0.1"]\n', settings: 'tls_only = true' })
  const ok = await s.raw(undefined, { headers: from('198.51.100.7', { 'x-forwarded-proto': 'https' }) })
  assert.ok(ok.id)
  ok.close()
  for (const headers of [{}, from('198.51.100.7'), from('198.51.100.7', { 'x-forwarded-proto': 'http' })])
    assert.equal((await (await s.raw(undefined, { headers })).closed).code, 4000)
  const signed = await s.request('POST', '/login', { body: JSON.stringify({ token: s.token }), headers: { 'content-type': 'application/json', 'x-forwarded-proto': 'https' } })
  assert.match(signed.headers['set-cookie'][0], /Secure/)
  await s.close()
})
const two = (source, { command = 0x21, ssl } = {}) => {
  const rest = Buffer.concat([Buffer.from(source.split('.').map(Number)), Buffer.from([127, 0, 0, 1, 1, 2, 1, 187]), ssl ? Buffer.from([0x20, 0, 5, 1, 0, 0, 0, 0]) : Buffer.alloc(0)])
  const size = Buffer.alloc(2)
  size.writeUInt16BE(command === 0x20 ? 0 : rest.length)
  return Buffer.concat([Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1'), Buffer.from([command, command === 0x20 ? 0 : 0x11]), size, command === 0x20 ? Buffer.alloc(0) : rest])
}
test('the PROXY protocol, both versions, whole and byte by byte; without it the proxy is not heard', async () => {
  const s = await Server.start({ top: 'trusted_proxies = ["127.0.0.1"]\nproxy_protocol = true\n[callers]\nfailures_per_minute = 5\n' })
  const ask = Buffer.from('GET /v1/presence HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer wrong\r\nConnection: close\r\n\r\n')
  const one = (address) => Buffer.from(`PROXY TCP4 ${address} 127.0.0.1 56324 443\r\n`)
  for (let i = 0; i < 5; i++) assert.equal(status(await said(s.port, Buffer.concat([one('198.51.100.7'), ask]))), 401)
  assert.equal(status(await said(s.port, Buffer.concat([two('198.51.100.7'), ask]))), 429)
  assert.equal(status(await said(s.port, Buffer.concat([two('198.51.100.8'), ask]))), 401)
  const slow = await open(s.port)
  slow.setNoDelay(true)
  for (const byte of Buffer.concat([two('198.51.100.9', { ssl: true }), Buffer.from('GET /up HTTP/1.0\r\n\r\n')]))
    await new Promise((sent) => slow.write(Buffer.from([byte]), sent))
  await until(() => slow.over, 'an end')
  assert.equal(status(slow.text), 200)
  assert.equal(status(await said(s.port, Buffer.concat([two('0.0.0.0', { command: 0x20 }), Buffer.from('GET /up HTTP/1.0\r\n\r\n')]))), 200)
  const without = await open(s.port)
  without.write('GET /up HTTP/1.0\r\n\r\n')
  await until(() => without.over, 'an end')
  assert.equal(without.text, '')
  await until(() => s.log.includes('PROXY header'), 'a line of the log')
  await s.close()
})
test('the PROXY protocol before TLS', () => withTls({ top: 'trusted_proxies = ["127.0.0.1"]\nproxy_protocol = true\n' }, async (s) => {
  const plain = net.connect({ port: s.port, host: '127.0.0.1' })
  plain.write(two('198.51.100.7'))
  const text = await said(s.port, 'GET /up HTTP/1.0\r\n\r\n', (ready) => tls.connect({ socket: plain, rejectUnauthorized: false }, ready))
  assert.equal(status(text), 200)
}))

const nginx = ['/usr/sbin/nginx', 'nginx'].find((path) => !spawnSync(path, ['-v']).error)
test('behind a real nginx: addresses, TLS and WebSockets', { skip: nginx ? false : 'nginx is not installed' }, () => withTls({ top: 'trusted_proxies = ["127.0.0.1"]\n', settings: 'tls_only = true' }, async (unused, folder) => {
  const s = await Server.start({ top: 'trusted_proxies = ["127.0.0.1"]\n', settings: 'tls_only = true' })
  const free = await new Promise((done) => { const probe = net.createServer().listen(0, '127.0.0.1', () => { const { port: at } = probe.address(); probe.close(() => done(at)) }) })
  mkdirSync(join(folder, 'tmp'))
  const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${folder}/tmp/${name};`).join(' ')
  writeFileSync(join(folder, 'nginx.conf'), `daemon off; master_process off; pid ${folder}/nginx.pid; error_log stderr warn; events {}
http { access_log off; ${temp}
  server { listen 127.0.0.1:${free} ssl; ssl_certificate ${folder}/cert.pem; ssl_certificate_key ${folder}/key.pem;
    location / { proxy_pass http://127.0.0.1:${s.port}; proxy_http_version 1.1; proxy_set_header Host localhost;
      proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade";
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header X-Forwarded-Proto $scheme; }
    location /lost/ { proxy_pass http://127.0.0.1:${s.port}/; proxy_set_header Host localhost; } } }`)
  const child = spawn(nginx, ['-c', join(folder, 'nginx.conf'), '-p', folder], { stdio: ['ignore', 'ignore', 'pipe'] })
  const gone = new Promise((done) => child.on('exit', done))
  let err = ''
  child.stderr.on('data', (d) => (err += d))
  try {
    await until(() => new Promise((done) => { const probe = net.connect({ port: free, host: '127.0.0.1' }, () => { probe.destroy(); done(true) }); probe.on('error', () => done(child.exitCode !== null)) }), 'nginx')
    assert.equal(child.exitCode, null, err)
    const c = await Raw.open(`wss://127.0.0.1:${free}/app/${app.key}?protocol=7`, { rejectUnauthorized: false, headers: { 'x-forwarded-for': '198.51.100.7' } })
    assert.ok(c.id)
    await c.subscribed('presence-x', { user_id: 'ada' })
    await until(async () => (await s.cli('audit', '-u', 'ada', '-o', 'ndjson')).out.includes('address'), 'the session')
    c.close()
    const lost = new WebSocket(`wss://127.0.0.1:${free}/lost/app/${app.key}?protocol=7`, { rejectUnauthorized: false })
    assert.equal(await new Promise((done) => { lost.on('unexpected-response', (req, res) => done(res.statusCode)); lost.on('error', () => {}) }), 426)
  } finally { child.kill(); await gone; await s.close() }
}))

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
