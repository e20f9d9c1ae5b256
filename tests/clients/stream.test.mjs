// GET /v1/stream: as server-sent events, and as Cap'n Proto over a WebSocket.
import test, { before, after } from 'node:test'
import assert from 'node:assert/strict'
import http from 'node:http'
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import WebSocket from 'ws'
import { Server, until, run } from './server.mjs'

let server
before(async () => { server = await Server.start({ top: 'origins = ["https://site.example"]' }) })
after(() => server?.close())

/// The stream as server-sent events; `heard` gets each one, with its id as `seq`.
const listen = (query, heard) => http.get({ host: '127.0.0.1', port: server.port, path: `/v1/stream${query}`, headers: { authorization: `Bearer ${server.token}` } }, (res) => {
  let held = ''
  res.on('data', (d) => {
    held += d
    for (let i; (i = held.indexOf('\n\n')) >= 0; held = held.slice(i + 2)) {
      const piece = held.slice(0, i)
      const data = piece.match(/^data: (.*)$/m)
      if (data) heard({ ...JSON.parse(data[1]), seq: Number(piece.match(/^id: (\d+)$/m)[1]) })
    }
  })
})

test('a stream gives the past, then what comes, without a gap, and resumes', async () => {
  const seen = []
  const open = (after) => listen(`?after=${after}`, (event) => seen.push(event.seq))
  let req = open(0)
  const end = () => server.v1('GET', '/presence').then((r) => r.json.seq)
  const last = await end()
  await until(() => seen.at(-1) >= last)
  await server.v1('POST', '/login', { body: { user: 'streamed' } })
  const more = await end()
  await until(() => seen.at(-1) >= more)
  req.destroy()
  await server.v1('POST', '/logout', { body: { user: 'streamed' } })
  req = open(seen.at(-1))
  const final = await end()
  await until(() => seen.at(-1) >= final)
  req.destroy()
  assert.deepEqual(seen, Array.from({ length: seen.length }, (_, i) => i + 1))
})

test('a stream that cannot be logged with its reason is not given', async () => {
  for (const reason of ['%ff', 'x'.repeat(5000)]) {
    const status = await new Promise((done) => http.get({ host: '127.0.0.1', port: server.port, path: '/v1/stream?after=0', headers: { authorization: `Bearer ${server.token}`, 'rollcall-reason': reason } }, (res) => { res.destroy(); done(res.statusCode) }))
    assert.equal(status, 422, reason.slice(0, 5))
  }
})

const schema = fileURLToPath(new URL('../../store/log/event.capnp', import.meta.url))
/// What Cap'n Proto's own tool reads in a stream of messages.
const decoded = (bytes) => {
  const text = execFileSync('capnp', ['convert', 'binary:json', schema, 'StreamMessage'], { input: bytes, maxBuffer: 1 << 28 }).toString()
  return JSON.parse('[' + text.replaceAll(/\}\s*\{/g, '},{') + ']')
}
/// A WebSocket of the stream: its messages, and how it ended.
const socket = (query, { token = server.token, protocol = 'rollcall.v1.capnp', origin } = {}) => {
  const ws = new WebSocket(`ws://127.0.0.1:${server.port}/v1/stream${query}`, protocol ? [protocol] : [], { headers: token ? { authorization: `Bearer ${token}` } : {}, origin })
  const out = { ws, pieces: [], status: undefined, closed: undefined }
  ws.on('open', () => { out.status = 101 })
  ws.on('message', (data, binary) => { assert.ok(binary); out.pieces.push(data) })
  ws.on('unexpected-response', (_, res) => { out.status = res.statusCode; res.resume(); ws.terminate() })
  ws.on('close', (code) => { out.closed = code })
  ws.on('error', () => {})
  out.events = () => decoded(Buffer.concat(out.pieces))
  return out
}
/// The first `count` events of the stream as text.
const told = async (query, count) => {
  const events = []
  const req = listen(query, (event) => events.push(event))
  await until(() => events.length >= count)
  req.destroy()
  return events.slice(0, count)
}

test('services get every event as Cap’n Proto over a WebSocket: the past, then what comes; they resume', async () => {
  await server.v1('POST', '/login', { body: { user: 'Zoë' } })
  const wrote = await server.v1('POST', '/activity', { body: { user: 'Zoë', action: 'order.paid', description: 'paid – ✓', target_type: 'order', target_id: '7' } })
  assert.equal(wrote.status, 200, wrote.text)
  const end = async () => (await server.v1('GET', '/presence')).json.seq
  const s = socket('?after=0')
  await until(() => s.status !== undefined)
  assert.equal(s.status, 101)
  assert.equal(s.ws.protocol, 'rollcall.v1.capnp')
  const reached = async (stream, seq) => until(() => stream.pieces.length > 0 && Number(stream.events().at(-1).event.header.seq) >= seq)
  await reached(s, await end())
  await server.v1('POST', '/logout', { body: { user: 'Zoë' } })
  await reached(s, await end())
  const events = s.events().map((m) => m.event)
  s.ws.close()
  await until(() => s.closed !== undefined)
  assert.equal(s.closed, 1000)
  const text = await told('?after=0', events.length)
  assert.deepEqual(events.map((e) => Number(e.header.seq)), text.map((e) => e.seq))
  for (const [i, e] of events.entries()) {
    assert.equal(e.user ?? '', text[i].user ?? '', `seq ${e.header.seq}`)
    assert.equal(e.action ?? '', text[i].action ?? '')
    assert.equal(Number(e.header.session) || undefined, text[i].session)
  }
  const paid = events.find((e) => e.action === 'order.paid')
  assert.equal(paid.user, 'Zoë')
  assert.equal(paid.body.description, 'paid – ✓')
  assert.deepEqual([paid.body.targetType, paid.body.targetId], ['order', '7'])
  const after = Number(paid.header.seq)
  const rest = socket(`?after=${after}`)
  await reached(rest, after + 1)
  assert.equal(Number(rest.events()[0].event.header.seq), after + 1)
  rest.ws.terminate()
})

test('with presence:read alone a service is told who changed', async () => {
  const token = (await run(['-d', server.data, 'token', 'create', 'board', '--scope', 'presence:read'])).out.trim()
  const s = socket('', { token })
  await until(() => s.status === 101)
  await server.v1('POST', '/login', { body: { user: 'ida' } })
  await until(() => s.pieces.length > 0)
  const [change] = s.events().map((m) => m.presenceChanged)
  assert.deepEqual([change.user, change.state, change.previous, change.cause], ['ida', 'online', 'offline', 'login'])
  assert.ok(Number(change.seq) > 0 && Number(change.atMicros) > 1.7e15)
  s.ws.terminate()
})

test('nobody gets the socket without a token, its subprotocol, or from a foreign page', async () => {
  for (const [options, status] of [[{ token: '' }, 401], [{ token: 'rc_wrong' }, 401], [{ protocol: '' }, 400], [{ protocol: 'other' }, 400], [{ origin: 'https://evil.example' }, 403], [{ origin: 'https://site.example' }, 101], [{ origin: 'http://127.0.0.1:PORT' }, 101]]) {
    if (options.origin) options.origin = options.origin.replace('PORT', server.port)
    const s = socket('', options)
    await until(() => s.status !== undefined)
    assert.equal(s.status, status, JSON.stringify(options))
    s.ws.terminate()
  }
  const writes = (await run(['-d', server.data, 'token', 'create', 'writer', '--scope', 'events:write'])).out.trim()
  const s = socket('', { token: writes })
  await until(() => s.status !== undefined)
  assert.equal(s.status, 403)
})

test('a socket that says too much is closed, one that goes is let go, and a stop says goodbye', async () => {
  const loud = socket('?after=0')
  await until(() => loud.status === 101)
  loud.ws.send(Buffer.alloc(100_000))
  await until(() => loud.closed !== undefined)
  assert.equal(loud.closed, 1009)
  const chatty = socket('?after=0')
  await until(() => chatty.status === 101)
  chatty.ws.send('what I say is passed over')
  const gone = socket('?after=0')
  await until(() => gone.status === 101)
  gone.ws._socket.destroy()
  await server.v1('POST', '/login', { body: { user: 'later' } })
  await until(() => chatty.pieces.length > 0 && chatty.events().some((m) => m.event.user === 'later'))
  await server.stop()
  await until(() => chatty.closed !== undefined)
  assert.equal(chatty.closed, 1001)
})
