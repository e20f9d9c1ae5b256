// What an operator does to a running server: updates its program, moves its store, tries the demo.
import test from 'node:test'
import assert from 'node:assert/strict'
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, readlinkSync, renameSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs'
import { spawn } from 'node:child_process'
import { basename, dirname, join } from 'node:path'
import { Server, app, binary, run, scratch, until } from './server.mjs'

const source = new URL('../../', import.meta.url).pathname

/** A server whose program is a file of its own, which a test may replace. */
async function own(how = (program) => [program, {}]) {
  const dir = scratch(), program = join(dir, 'rollcall')
  copyFileSync(binary, program)
  const [command, env] = how(program)
  const s = new Server()
  s.data = scratch(); s.own = true; s.env = {}
  writeFileSync(join(s.data, 'rollcall.toml'), `[limits]\ndrain_ms = 100\n[[apps]]\nid = "${app.id}"\nkey = "${app.key}"\nsecret = "${app.secret}"\n`, { mode: 0o600 })
  s.child = spawn(command, ['-d', s.data, 'serve', '--listen', '127.0.0.1:0'], { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env }, cwd: dir })
  s.log = s.out = ''
  s.child.stderr.on('data', (d) => (s.log += d))
  s.child.stdout.on('data', (d) => (s.out += d))
  s.exited = new Promise((done) => s.child.on('exit', (code, signal) => done({ code, signal })))
  await until(() => s.out.includes('listening on'), 'listening', 30000)
  s.url = s.out.match(/listening on (\S+)/)[1]
  s.port = Number(new URL(s.url).port)
  s.token = readFileSync(join(s.data, 'admin.token'), 'utf8').trim()
  s.program = program
  s.runs = () => readlinkSync(`/proc/${s.child.pid}/exe`)
  return s
}
const replaced = (s) => {  // as a package manager does: a new file, renamed into place
  copyFileSync(binary, s.program + '.new')
  renameSync(s.program + '.new', s.program)
  return statSync(s.program).ino
}
const inode = (s) => statSync(`/proc/${s.child.pid}/exe`).ino

for (const [how, start] of [
  ['its path', (program) => [program, {}]],
  ['a name in PATH', (program) => [basename(program), { PATH: `${dirname(program)}:${process.env.PATH}` }]],
  ['a path that is relative', (program) => [`./${basename(program)}`, {}]],
])
  test(`USR2 after the program's file was replaced starts the new one, found by ${how}`, async () => {
    const s = await own(start)
    const before = inode(s), next = replaced(s)
    assert.notEqual(before, next)
    assert.match(s.runs(), / \(deleted\)$/)
    s.out = ''
    s.child.kill('SIGUSR2')
    await until(() => s.out.includes('listening on'), 'the new program', 20000)
    assert.equal(inode(s), next)
    assert.equal((await s.request('GET', '/up')).status, 200)
    await s.close()
  })

test('USR2 without a program to start says so and goes on, connections and all', async () => {
  const s = await own()
  const a = await s.raw()
  unlinkSync(s.program)
  s.child.kill('SIGUSR2')
  await until(() => /no restart, the server goes on: .*rollcall/.test(s.log), 'the sentence')
  await a.settled()
  copyFileSync(binary, s.program)
  chmodSync(s.program, 0o644)
  s.child.kill('SIGUSR2')
  await until(() => s.log.match(/no restart/g).length === 2, 'the sentence')
  await a.settled()
  rmSync(s.program)
  writeFileSync(s.program, '\x7fELF, but half of it', { mode: 0o755 })  // only exec can tell
  s.out = ''
  s.child.kill('SIGUSR2')
  await until(() => s.out.includes('listening on'), 'the program as it was', 20000)
  assert.match(s.log, /cannot be run .*: the program goes on as it was/)
  assert.equal((await s.request('GET', '/up')).status, 200)
  await s.close()
})

test('serve with --config makes the folder of a store that is not there, for its owner alone', async () => {
  const dir = scratch(), data = join(dir, 'new', 'store'), file = join(dir, 'elsewhere.toml')
  writeFileSync(file, `[[apps]]\nid = "${app.id}"\nkey = "${app.key}"\nsecret = "${app.secret}"\n`)
  const s = new Server()
  s.data = data; s.env = {}
  s.args = ['-d', data, 'serve', '--config', file, '--listen', '127.0.0.1:0']
  await s.launch()
  assert.equal(statSync(data).mode & 0o777, 0o700)
  assert.equal((await s.v1('POST', '/login', { body: { user: 'ada' } })).status, 200)
  await s.stop()
  // One that is there keeps its mode.
  const shared = join(dir, 'shared')
  mkdirSync(shared, { mode: 0o750 }); chmodSync(shared, 0o750)
  const t = new Server()
  t.data = shared; t.env = {}
  t.args = ['-d', shared, 'serve', '--config', file, '--listen', '127.0.0.1:0']
  await t.launch()
  assert.equal(statSync(shared).mode & 0o777, 0o750)
  await t.stop()
})

const health = async (s) => (await s.v1('GET', '/health')).json
for (const [what, take] of [
  ['removed', (dir) => rmSync(dir, { recursive: true })],
  ['replaced by another', (dir, other) => { renameSync(dir, dir + '.away'); renameSync(other, dir) }],
  ['moved away', (dir) => renameSync(dir, dir + '.away')],
])
  test(`a store that is ${what} is noticed: READ-ONLY, 503, a line in the log`, async () => {
    const s = await Server.start()
    const dir = join(s.data, 'apps', 'main'), other = join(scratch(), 'other')
    await s.v1('POST', '/login', { body: { user: 'ada' } })
    if (what.startsWith('replaced')) {
      assert.equal((await run(['-d', other, 'login', 'eve'])).code, 0)
      take(dir, join(other, 'apps', 'main'))
    } else {
      take(dir)
    }
    await until(async () => /READ-ONLY/.test(JSON.stringify(await health(s))), 'READ-ONLY', 5000)
    assert.equal((await s.v1('POST', '/login', { body: { user: 'ada' } })).status, 503)
    assert.match(s.log, /error app main: nothing can be written: the store (is gone|was replaced)/)
    assert.equal((await s.v1('GET', '/presence/ada')).json.state, 'online', 'what is in memory is still told')
    if (what === 'moved away') {  // and back: it goes on
      renameSync(dir + '.away', dir)
      await until(async () => (await s.v1('POST', '/login', { body: { user: 'bob' } })).status === 200, 'writing again', 15000)
    }
    assert.equal((await s.stop()).code, 0)
    if (what.startsWith('replaced'))
      { const v = await run(['-d', s.data, '--app', 'main', 'verify', '--full']); assert.match(v.out, /./, 'the other store is as it was: ' + v.err + v.code) }
    rmSync(s.data, { recursive: true, force: true })
  })

test('the demo beside a running server of `./dev run` leaves its store alone', async () => {
  const dir = scratch(), port = 20000 + (process.pid % 20000)
  const runs = spawn('bash', [join(source, 'docs/run.sh'), binary], { cwd: dir, detached: true, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ROLLCALL_PORT: String(port) } })
  let out = ''
  runs.stdout.on('data', (d) => (out += d))
  runs.stderr.on('data', (d) => (out += d))
  const ended = new Promise((done) => runs.on('exit', done))
  await until(() => /-d (\S+) .*who/.test(out), 'the server', 30000)
  const data = out.match(/-d (\S+) .*who/)[1]
  const demo = spawn('sh', [join(source, 'docs/demo.sh'), binary], { cwd: dir, stdio: 'ignore', env: { ...process.env, TMPDIR: dir } })
  assert.equal(await new Promise((done) => demo.on('exit', done)), 0)
  const who = await run(['-d', join(dir, data), '--url', `http://127.0.0.1:${port}`, 'login', 'zoe'])
  assert.equal(who.code, 0, who.err)
  assert.ok(existsSync(join(join(dir, data), 'apps', 'main', 'log', 'CURRENT')))
  // A second run on the same port touches nothing.
  const second = spawn('bash', [join(source, 'docs/run.sh'), binary], { cwd: dir, stdio: 'ignore', env: { ...process.env, ROLLCALL_PORT: String(port) } })
  assert.equal(await new Promise((done) => second.on('exit', done)), 1)
  assert.equal((await run(['-d', join(dir, data), '--url', `http://127.0.0.1:${port}`, 'who'])).code, 0)
  process.kill(-runs.pid, 'SIGINT')  // as Ctrl-C does: all of them
  await ended
})
