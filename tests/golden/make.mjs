// Makes a golden store: a small history of every kind of event, written by the program given.
//
//   node tests/golden/make.mjs PROGRAM tests/golden/VERSION
//
// Why this file exists: what a released version wrote must stay readable for ever. A store is made once, by the
// released binary, and never again; tests/replay/golden_test.cc opens it with today's code. Needs `npm ci` in
// tests/clients and Debian's `faketime` (one event is the clock being set).
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const [program, out] = process.argv.slice(2)
process.env.ROLLCALL_BINARY = program
const { Server, run, scratch, sleep, until } = await import('../clients/server.mjs')

const cli = async (data, ...args) => {
  const answer = await run(['-d', data, '--reason', 'a golden store', '--ticket', 'G-1', ...args])
  if (answer.code !== 0) throw new Error(`${args.join(' ')}: ${answer.code} ${answer.err}${answer.out}`)
  return answer.out
}

// What was before: an import, texts that are held, kept, dropped and forgotten.
const first = scratch()
const past = ['ada', 'bob', 'cleo', 'dora'].flatMap((user, i) => [
  { at: `2026-01-14T08:0${i}:00Z`, type: 'login', user, session: `${user}-1`, context: { address: `10.1.0.${i + 1}`, agent: 'web' } },
  { at: `2026-01-14T09:0${i}:00Z`, type: 'activity', user, session: `${user}-1`, action: 'order.updated', target: { type: 'order', id: `${i}` },
    description: `order ${i} was paid by ${user}`, changes: { attributes: { state: 'paid' }, old: { state: 'open' } }, batch: `req-${i}` },
  { at: `2026-01-14T10:0${i}:00Z`, type: 'logout', user, session: `${user}-1` }]).sort((a, b) => (a.at < b.at ? -1 : 1))
writeFileSync(join(first, 'past.ndjson'), past.map((row) => JSON.stringify(row)).join('\n') + '\n')
await cli(first, 'import', join(first, 'past.ndjson'))
await cli(first, 'hold', 'add', 'ada')
await cli(first, 'hold', 'release', 'ada', '--yes')
await cli(first, 'checkpoint', 'sign')
await cli(first, 'backup', 'create', join(first, 'backups'), '--name', 'b1', '--vault', join(first, 'vaults'))
await cli(first, 'login', 'lost') // after the backup: a restored log lacks it, and says so
await cli(first, 'checkpoint', 'sign')

// The restored log goes on under another origin.
const data = scratch()
await cli(data, 'backup', 'restore', join(first, 'backups', 'b1'), '--vault', join(first, 'vaults', 'b1'),
  '--master-key', join(first, 'apps/main/vault/master.key'), '--yes')
await cli(data, 'login', 'eve', '--address', '10.1.0.9')
await cli(data, 'status', 'eve', '--as', 'away', '--text', 'lunch')
await cli(data, 'status', 'eve', '--as', 'clear')
await cli(data, 'audit', '-u', 'ada')
await cli(data, 'forget', 'bob', '--yes', '--receipt', join(data, 'receipt'))
await cli(data, 'retention', 'set', 'activity', '1d')
await cli(data, 'retention', 'apply', '--yes')

// Served: connections, rooms, time passing, the clock set, a crash.
const clock = join(scratch(), 'clock')
writeFileSync(clock, '+0\n')
const env = { LD_PRELOAD: '/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1', FAKETIME_TIMESTAMP_FILE: clock,
  FAKETIME_NO_CACHE: '1', FAKETIME_DONT_FAKE_MONOTONIC: '1' }
const server = await Server.start({ data, settings: '[apps.policy]\nidle_after = 2\ngrace_abort = 1\n', env })
const token = server.token
const kinds = async () => new Set((await run(['-d', data, 'audit', '-o', 'ndjson'])).out.trim().split('\n').map((l) => JSON.parse(l).kind))
const client = await server.raw()
await client.subscribed('presence-lobby', { user_id: 'fay', user_info: { name: 'Fay' } })
await until(async () => (await kinds()).has('inactivity'), 'somebody away', 20000)
client.kill()
await until(async () => (await kinds()).has('link_down') && (await kinds()).has('left'), 'a lost connection', 20000)
await until(async () => (await kinds()).has('alive_mark'), 'a mark of life', 40000)
writeFileSync(clock, '+600\n')
for (let i = 0; i < 8; i++) { await server.v1('POST', '/activity', { body: { user: 'eve', action: 'clock.tick' }, token }); await sleep(500) }
await until(async () => (await kinds()).has('clock_step'), 'the clock to be set', 40000)
await server.stop('SIGKILL')
await server.launch()
await server.v1('POST', '/login', { body: { user: 'gil', session: 'tab', address: '10.1.0.7' }, token })
await server.stop()
await cli(data, 'snapshot', 'create')
await cli(data, 'checkpoint', 'sign')
await cli(data, 'backup', 'create', join(data, 'backups'), '--name', 'b2') // the list of backups, with its sum

// What the program itself says of it.
rmSync(out, { recursive: true, force: true })
mkdirSync(out, { recursive: true })
const ask = async (...args) => (await run(['-d', data, ...args])).out
const verify = await run(['-d', data, 'verify', '--full', '--replay'])
if (verify.code !== 0) throw new Error(verify.out + verify.err)
writeFileSync(join(out, 'verify.txt'), verify.out)
const rows = (await ask('audit', '-o', 'ndjson')).trim().split('\n').map((l) => JSON.parse(l))
const seen = new Set(rows.map((row) => row.kind))
console.log([...seen].sort().join(' '), seen.size)
writeFileSync(join(out, 'events.ndjson'), rows.map((row) => JSON.stringify(row)).join('\n') + '\n')
writeFileSync(join(out, 'who.ndjson'), await ask('who', '--at', `seq:${rows.at(-1).seq}`, '-o', 'ndjson'))
writeFileSync(join(out, 'checkpoint'), await ask('checkpoint', 'show'))
mkdirSync(join(out, 'apps'))
cpSync(join(data, 'apps'), join(out, 'apps'), { recursive: true })
const log = join(out, 'apps/main/log')
for (const name of readdirSync(log)) if (/^LOG|^LOCK|^OPTIONS/.test(name)) rmSync(join(log, name))
rmSync(join(out, 'apps/main/writer.lock'), { force: true })
console.log(execFileSync('du', ['-sh', out]).toString())
process.exit(0)
