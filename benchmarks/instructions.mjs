// Instructions a delivery, counted by callgrind over a fixed workload.
//
//   node benchmarks/instructions.mjs build/release/cli/rollcall [another binary…]
//
// Rates change with the machine and the day; instructions do not. One shard, 200 subscribers, 300
// events one after the other, each heard by all before the next. Counted is what the shard's thread
// does between an event in its inbox and the last subscriber's send, kernel not included. The second
// figure is the same while one reader has stopped and every event leaves out one connection
// (toOthers), so that 2,100 frames wait; the ratio of the two should stay near one.
// Needs valgrind, and `npm ci` in tests/clients.
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import net from 'node:net'

const programs = process.argv.slice(2).map((p) => resolve(p))
const SUBSCRIBERS = 200

async function count(program, { events, stopped }) {
  process.env.ROLLCALL_BINARY = program.wrapper
  const { Server, app, until } = await import(`../tests/clients/server.mjs?${encodeURIComponent(program.wrapper)}`)
  const server = await Server.start({ settings: 'activity_timeout = 600\npong_timeout = 600', args: ['--threads', '1'] })
  const clients = []
  for (let i = 0; i < SUBSCRIBERS; i++) clients.push(await server.raw())
  let heard = 0
  for (const c of clients) {
    await c.subscribed('room')
    c.ws.removeAllListeners('message')
    c.ws.on('message', () => heard++)
  }
  const reader = net.connect({ port: server.port, host: '127.0.0.1' })
  let hello = ''
  reader.on('data', (d) => (hello += d.toString('latin1')))
  reader.write(`GET /app/${app.key}?protocol=7 HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`)
  await until(() => hello.includes('connection_established'), 'a handshake', 60000)
  const text = Buffer.from('{"event":"pusher:subscribe","data":{"channel":"room"}}')
  reader.write(Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), text]))
  await until(() => hello.includes('subscription_succeeded'), 'the reader', 60000)
  if (stopped) reader.pause()
  let wanted = 0
  const publish = async (data, extra) => {
    wanted += SUBSCRIBERS - (extra.socket_id ? 1 : 0)
    await server.trigger('room', 'e', data, extra)
    await until(() => heard >= wanted, 'an event', 60000)
  }
  // What the stopped reader's socket takes before it is full: megabytes.
  if (events > 300) for (let i = 0; i < 700; i++) await publish('x'.repeat(10000), {})
  for (let i = 0; i < events; i++) await publish('x'.repeat(20), events > 300 ? { socket_id: clients[i % SUBSCRIBERS].id } : {})
  for (const c of clients) c.ws.removeAllListeners('close')
  reader.destroy()
  await server.close()
  // One file a thread: only the shard's collected anything.
  const total = Number(readFileSync(program.out, 'utf8').match(/^(?:summary|totals): (\d+)/m)[1])
  return total / wanted
}

const { mkdtempSync } = await import('node:fs')
const { tmpdir } = await import('node:os')
const dir = mkdtempSync(join(tmpdir(), 'rollcall-instructions-'))
for (const [i, binary] of programs.entries()) {
  const results = []
  for (const [j, workload] of [{ events: 300, stopped: false }, { events: 2100, stopped: false }, { events: 2100, stopped: true }].entries()) {
    const program = { wrapper: join(dir, `run-${i}-${j}`), out: join(dir, `out-${i}-${j}`) }
    writeFileSync(program.wrapper, `#!/bin/sh
exec valgrind -q --tool=callgrind --callgrind-out-file=${program.out} --toggle-collect='rollcall::net::hub::Shard::sweep()' --toggle-collect='rollcall::net::hub::Shard::handle_delivery(rollcall::net::hub::Delivery&)' ${binary} "$@"
`)
    chmodSync(program.wrapper, 0o755)
    results.push(await count(program, workload))
  }
  const [one, others, waiting] = results
  if (!(one > 0 && others > 0)) throw new Error('nothing was counted: callgrind toggles on names of functions (--toggle-collect), and those have changed')
  console.log(`${binary}: ${one.toFixed(1)} instructions a delivery; leaving one out ${others.toFixed(1)}, while 2,100 wait ${waiting.toFixed(1)} (${(waiting / others).toFixed(2)} times)`)
}
