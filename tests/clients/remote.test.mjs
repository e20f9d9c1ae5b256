// The command line against a running server: --url reads, writes and governs with the same output and exit codes.
import test, { before, after } from 'node:test'
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import { Server, binary, scratch, until, run } from './server.mjs'

let server
before(async () => { server = await Server.start() })
after(() => server?.close())

test('every reading and writing command answers over --url as it does on the store', async () => {
  const cli = (...args) => run(['-d', server.data, '--url', server.url, ...args])
  const wrote = await cli('login', 'remote', '--address', '10.9.8.7')
  assert.equal(wrote.code, 0, wrote.err)
  assert.match(wrote.out, /applied +remote +online/)
  assert.equal((await cli('activity', 'remote', '--action', 'a.b', '--properties', '{"x":1}')).code, 0)
  assert.equal((await cli('status', 'remote', '--as', 'away', '--text', 'lunch')).code, 0)
  for (const args of [['who', '--at', 'seq:4'], ['last', 'remote', '-n', '2', '-o', 'json', '--fields', 'user,from,login'], ['audit', '-u', 'remote', '-o', 'ndjson'], ['audit', 'stats', '--by', 'user', '-U', 'seq:4'], ['show', '3'], ['-o', 'json', 'show', '3'], ['store', 'gaps'], ['hold', 'list'], ['retention', 'show'], ['proof', '2'], ['checkpoint', 'history', '-o', 'json'], ['audit', 'nofield=x'], ['who', 'nobody-such']]) {
    const here = await server.byItself(...args), there = await cli(...args)
    assert.equal(there.out, here.out, args.join(' '))
    assert.equal(there.code, here.code)
    assert.equal(there.err, here.err)
  }
  assert.equal((await cli('logout', 'remote')).code, 0)
  assert.equal((await cli('logout', 'remote')).code, 5)
  const denied = await run(['--url', server.url, 'who'], { ROLLCALL_TOKEN: 'rc_wrong' })
  assert.equal(denied.code, 6)
})
test('a running log is governed over --url: signed, held, kept, exported, backed up, forgotten', async () => {
  const dir = scratch()
  const cli = (...args) => run(['-d', server.data, '--url', server.url, ...args])
  const ok = async (...args) => { const r = await cli(...args); assert.equal(r.code, 0, `${args.join(' ')}: ${r.err}${r.out}`); return r }
  await ok('login', 'gone'); await ok('activity', 'gone', '--action', 'x.y', '--description', 'secret words'); await ok('login', 'kept')
  assert.match((await ok('checkpoint', 'sign')).out, /^rollcall\.local\/.*\n\d+\n/)
  assert.match((await ok('--reason', 'case 1', 'hold', 'add', 'gone')).out, /^#\d+/)
  assert.equal((await cli('hold', 'add', 'gone')).code, 5)
  assert.equal((await cli('--reason', 'asked', 'forget', 'gone', '--yes')).code, 3)
  await ok('hold', 'release', 'gone', '--yes')
  const bundle = join(dir, 'gone.tar')
  await ok('export', '-u', 'gone', '--format', 'bundle', '--complete', 'chain', '-O', bundle)
  assert.match((await run(['verify', 'bundle', bundle])).out, /VERIFIED/)
  const folder = join(dir, 'who')
  await ok('who', 'gone', '--proof', '-O', folder)
  assert.match((await run(['verify', 'bundle', folder])).out, /VERIFIED/)
  assert.match((await ok('export', '-u', 'gone', '--format', 'csv')).out, /secret words/)
  assert.match((await ok('subject', 'export', 'gone')).out, /secret words/)
  assert.match((await ok('key', 'show')).out, /^rollcall\.local\//)
  await ok('retention', 'set', 'activity', '365d')
  assert.match((await ok('retention', 'show')).out, /activity/)
  await ok('retention', 'plan')
  assert.equal((await cli('retention', 'apply', '--dry-run')).code, 0)
  assert.match((await ok('retention', 'apply', '--yes')).out, /0 texts dropped/)
  assert.match((await ok('backup', 'create', dir, '--name', 'b1')).out, /b1 +size \d+/)
  assert.match((await ok('backup', 'list', dir)).out, /b1/)
  assert.match((await ok('backup', 'verify', join(dir, 'b1'))).out, /VERIFIED/)
  for (const where of [['nowhere'], ['relative'], [dir, '--vault', 'relative'], [dir, '--vault=relative'], [dir, '--vault', '/no/such']])
    assert.notEqual((await cli('backup', 'create', ...where)).code, 0, where.join(' '))
  assert.equal((await cli('forget', 'gone', '--dry-run')).code, 7)
  const receipt = join(dir, 'receipt')
  assert.match((await ok('--reason', 'asked', 'forget', 'gone', '--yes', '--receipt', receipt)).out, /forgotten at #\d+/)
  assert.match((await run(['-d', server.data, 'verify', 'proof', receipt])).out, /VERIFIED|verified|ok/i)
  assert.equal((await cli('who', 'gone')).code, 1)
  assert.equal((await server.v1('GET', '/presence/gone')).status, 404)
  assert.match((await ok('verify')).out, /VERIFIED/)
  const before = (await ok('key', 'show')).out
  const rotated = (await ok('key', 'rotate')).out
  assert.notEqual(rotated, before)
  assert.equal((await ok('key', 'show')).out, rotated)
  assert.match((await ok('verify')).out, /VERIFIED/)
  assert.match((await ok('key', 'rotate', '--epoch')).out, /key epoch 2/)
  const masterFile = () => readdirSync(server.data, { recursive: true }).map((name) => join(server.data, name)).find((name) => /master\.key$/.test(name))
  const masterBefore = readFileSync(masterFile(), 'utf8')
  assert.match((await ok('key', 'rotate', '--master')).out, /wrapped anew/)
  assert.notEqual(readFileSync(masterFile(), 'utf8'), masterBefore)
  await ok('login', 'after-the-rotation')
  assert.match((await ok('audit', '-u', 'after-the-rotation')).out, /login/)
  assert.match((await ok('export', '-u', 'kept', '--format', 'csv')).out, /kept/)
  // An import is checked whole, with a store's own sentences; a served log is ahead of every past.
  const line = (at, rest = {}) => JSON.stringify({ at: new Date(at).toISOString(), type: 'login', user: 'ada', session: 's', ...rest }) + '\n'
  const importing = async (text, ...more) => { writeFileSync(join(dir, 'x'), text); return cli('import', join(dir, 'x'), ...more) }
  for (const [text, code, sentence] of [
    ['{}\n', 1, /line 1: /], [line(Date.now() + 3_600_000), 1, /future/], [line(Date.now() - 3_600_000), 3, /moved on/],
    [line(Date.now() + 1000) + line(Date.now() + 500), 3, /line 2: it is earlier/], [line(Date.now() + 1000), 3, /while the server is stopped/]]) {
    const got = await importing(text)
    assert.equal(got.code, code, text + got.err); assert.match(got.err, sentence)
  }
  assert.equal((await importing(line(Date.now() + 1000), '--dry-run')).code, 7)
  assert.equal((await importing('', '--dry-run')).code, 0)
  const place = await server.v1('GET', '/log')
  assert.match(place.json.origin, /^rollcall\.local\//); assert.ok(place.json.size > 10); assert.ok(Date.parse(place.json.last_at) > Date.now() - 60_000)
  // A refusal has its own exit code there, too.
  assert.equal((await server.v1('POST', '/forget', { body: { user: 'nobody-known', reason: 'x' } })).json.code, 'not-found')
  // Tiles come as files of ours; a witness cosigns the running log; tokens are made and revoked there.
  await ok('checkpoint', 'sign')
  await ok('tiles', 'export', join(dir, 'tiles'))
  await server.byItself('tiles', 'export', join(dir, 'here'))
  for (const name of ['checkpoint', 'tile/entries/000.p/'])
    assert.ok(existsSync(join(dir, 'here', name)) === existsSync(join(dir, 'tiles', name)), name)
  assert.equal(readFileSync(join(dir, 'tiles', 'checkpoint'), 'utf8'), readFileSync(join(dir, 'here', 'checkpoint'), 'utf8'))
  const witnessKey = (await run(['key', 'gen', 'witness.example/w1', '--witness', '-O', join(dir, 'w1.key')])).out.trim()
  const witness = spawn(binary, ['witness', 'serve', '--key', join(dir, 'w1.key'), '--state', join(dir, 'w1'), '--listen', '127.0.0.1:0', '--log', (await ok('key', 'show')).out.trim()], { stdio: ['ignore', 'pipe', 'ignore'] })
  let said = ''
  witness.stdout.on('data', (d) => (said += d))
  await until(() => / on (http:\S+)/.test(said), 'the witness listens')
  await ok('witness', 'add', 'w1', witnessKey, / on (http:\S+)/.exec(said)[1])
  assert.match((await ok('witness', 'list')).out, /w1/)
  assert.equal((await cli('witness', 'status')).code, 21)
  assert.match((await ok('witness', 'cosign')).out, /w1 +cosigned size \d+/)
  assert.match((await ok('witness', 'status')).out, /w1 +yes/)
  witness.kill()
  assert.equal((await cli('witness', 'cosign')).code, 1, 'nobody answers')
  const made = (await ok('token', 'create', 'made-there', '--scope', 'presence:read')).out.trim()
  assert.match((await ok('token', 'list')).out, /made-there/)
  assert.equal((await server.request('GET', '/v1/presence', { headers: { authorization: `Bearer ${made}` } })).status, 200)
  await ok('token', 'revoke', 'made-there')
  assert.equal((await server.request('GET', '/v1/presence', { headers: { authorization: `Bearer ${made}` } })).status, 401)
  const limited = (await run(['-d', server.data, 'token', 'create', 'reader-only', '--scope', 'audit:read'])).out.trim()
  assert.equal((await run(['--url', server.url, 'checkpoint', 'sign'], { ROLLCALL_TOKEN: limited })).code, 6)
  for (const args of [['backup', 'list', dir], ['token', 'list'], ['token', 'create', 'x', '--scope', 'admin'], ['witness', 'add', 'x', witnessKey, 'http://z'], ['witness', 'cosign'], ['forget', 'kept', '--dry-run'], ['hold', 'add', 'kept']])
    assert.equal((await run(['--url', server.url, ...args], { ROLLCALL_TOKEN: limited })).code, 6, args.join(' '))
})

test('a number means one person over the wire, too, and a name is taken as it is', async () => {
  const s = await Server.start()
  const cli = (...args) => run(['-d', s.data, '--url', s.url, ...args])
  const ok = async (...args) => { const r = await cli(...args); assert.equal(r.code, 0, `${args.join(' ')}: ${r.err}`); return r }
  const awkward = 'cn=Doe\\, Jane,ou=x'
  await ok('login', 'gone')
  const first = JSON.parse((await ok('who', 'gone', '-o', 'ndjson')).out.split('\n')[0]).number
  await ok('--reason', 'asked', 'forget', 'gone', '--yes', '--receipt', join(scratch(), 'r'))
  const impostor = `#${first}`
  await ok('login', impostor); await ok('login', awkward); await ok('login', '[a,b]')
  const second = JSON.parse((await ok('who', impostor, '-o', 'ndjson')).out.split('\n')[0]).number
  assert.notEqual(second, first)
  const numbers = async (...args) => new Set((await ok('audit', '-o', 'ndjson', ...args)).out.trim().split('\n').map((l) => JSON.parse(l).user_number))
  assert.deepEqual(await numbers('-u', impostor), new Set([second]))
  assert.deepEqual(await numbers('--number', String(first)), new Set([first]))
  assert.equal((await numbers('-u', impostor, '-u', awkward)).size, 2)
  for (const args of [['who', awkward], ['last', '[a,b]'], ['audit', '-u', awkward, 'login'], ['last', '--number', String(first)], ['export', '-u', awkward, '--format', 'csv'], ['subject', 'export', '--number', String(second)]]) {
    // Over the wire first: that read is in the log before it is answered, and one here is not.
    const there = await ok(...args), here = await s.byItself(...args)
    assert.deepEqual([there.code, there.out], [here.code, here.out], args.join(' '))
  }
  await ok('hold', 'add', '--number', String(second))
  assert.equal((await cli('--reason', 'x', 'forget', impostor, '--yes')).code, 3)
  await ok('hold', 'release', impostor, '--yes')
  assert.equal((await cli('--reason', 'x', 'forget', '--number', String(first), '--yes')).code, 3, 'was forgotten before')
  const both = await s.v1('POST', '/forget/plan', { body: { user: awkward, number: second } })
  assert.deepEqual([both.status, both.json.code], [422, 'bad-input'])
  assert.equal((await s.v1('POST', '/forget/plan', { body: { number: second } })).json.user, second)
  assert.equal((await s.v1('POST', '/forget/plan', { body: { user: '#999' } })).status, 404)
  const file = join(scratch(), 'rows.csv')
  await ok('export', '--format', 'csv', '-u', awkward, '-O', file)
  assert.equal(readFileSync(file, 'utf8'), (await ok('export', '-o', 'csv', '-u', awkward)).out)
  await s.close()
})

test('where the store asks for a reason, nobody reads over the wire without one', async () => {
  const s = await Server.start()
  const cli = (...args) => run(['-d', s.data, '--url', s.url, ...args])
  await s.v1('POST', '/login', { body: { user: 'ada' } })
  assert.equal((await cli('store', 'reads')).out, 'free\n')
  assert.equal((await cli('audit')).code, 0)
  assert.equal((await cli('store', 'reads', 'reason')).code, 0)
  assert.equal((await cli('store', 'reads')).out, 'reason\n')
  for (const args of [['audit'], ['who'], ['last'], ['show', '1'], ['export', '--format', 'csv'], ['subject', 'export', 'ada'], ['watch']]) {
    const here = await s.byItself(...args), there = await cli(...args)
    assert.equal(there.code, 3, args.join(' ') + there.err)
    if (args[0] !== 'watch') assert.deepEqual([there.code, there.err], [here.code, here.err])
    if (args[0] !== 'watch') assert.equal((await cli('--reason', `because of ${args[0]}`, ...args)).code, 0)
  }
  assert.equal((await cli('verify', '--full')).code % 21, 0, 'a proof tells of nobody')
  for (const path of ['/timeline?user=ada', '/concurrency', '/presence?at=now', '/stream?after=0']) {
    const without = await s.v1('GET', path)
    assert.deepEqual([without.status, without.json.code], [409, 'refused'], path)
  }
  const headers = { 'rollcall-reason': encodeURIComponent('Fall Nr. 7 – Prüfung'), 'rollcall-ticket': 'DP-7' }
  for (const path of ['/timeline?user=ada', '/concurrency', '/presence?at=now'])
    assert.equal((await s.v1('GET', path, { headers })).status, 200, path)
  const read = JSON.parse((await cli('--reason', 'checking', 'audit', 'queries', '-o', 'json')).out)
  for (const reason of ['because of subject', 'Fall Nr. 7 – Prüfung', 'checking']) assert.ok(read.some((q) => q.reason === reason), reason)
  assert.ok(read.some((q) => q.ticket === 'DP-7'))
  assert.equal((await cli('store', 'reads', 'free')).code, 0)
  assert.equal((await cli('audit')).code, 0)
  await s.close()
})
