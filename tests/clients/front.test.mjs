// What comes before any answer: HTTP as RFC 9110 and 9112 have it, byte by byte over sockets of our own.
import test, { after, before } from 'node:test'
import assert from 'node:assert/strict'
import net from 'node:net'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Server, Raw, app, auth, run, scratch, until } from './server.mjs'
import { detail, header, jwtSettings, open, said, status } from './wire.mjs'

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
