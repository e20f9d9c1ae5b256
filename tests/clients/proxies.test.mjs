// Proxies in front, and TLS: whom limits count, whose addresses the log has, and the PROXY protocol.
import test, { after, before } from 'node:test'
import assert from 'node:assert/strict'
import net from 'node:net'
import tls from 'node:tls'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import WebSocket from 'ws'
import { Server, Raw, app, auth, scratch, until } from './server.mjs'
import { detail, header, jwtSettings, open, said, status } from './wire.mjs'

let server, port
before(async () => { server = await Server.start({ settings: jwtSettings }); port = server.port })
after(() => server.close())

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
