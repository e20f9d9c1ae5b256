// Who gets in and what he may do: which questions travel and what they can touch, whose tokens an
// app's admin governs, and what is kept of a read.
import test, { after, before } from 'node:test'
import assert from 'node:assert/strict'
import { createHash, createHmac } from 'node:crypto'
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { bearer, command, cookieOf, endAll, json, reads, serve, streaming, tokenFor, withToken, works } from './access.mjs'
import { binary, run, scratch, until } from './server.mjs'

let server, reader
const here = scratch() // where the server runs: what it made by a name without a folder lies there
before(async () => {
  process.chdir(here)
  server = await serve({ settings: 'rooms = ["lobby"]\n[apps.policy]\ngrace_clean = 0' })
  for (const user of ['ada', 'bob', 'zoe']) await server.v1('POST', '/login', { body: { user } })
  await server.v1('POST', '/activity', { body: { user: 'ada', action: 'order.paid', description: `${'a'.repeat(40)}!` } })
  await server.v1('POST', '/logout', { body: { user: 'zoe' } })
  assert.equal((await run(['-d', server.data, '--url', server.url, 'checkpoint', 'sign'])).code, 0)
  reader = await tokenFor(server, 'reader', ['audit:read', 'presence:read'])
})
after(endAll)

test('no question names a file, another store or another server, however it is spelled', async () => {
  const dir = scratch()
  const kept = join(dir, 'kept'), fresh = join(dir, 'fresh')
  writeFileSync(kept, 'as it was\n')
  const looks = () => [dir, here].flatMap((folder) => readdirSync(folder, { recursive: true, withFileTypes: true })).map((e) => (e.isFile() ? `${e.name}: ${readFileSync(join(e.path, e.name), 'utf8').slice(0, 40)}` : e.name)).sort()
  const before = looks()
  const forms = []
  for (const file of [kept, fresh, `${fresh}.tar`]) {
    const spelled = [['-O', file], [`-O${file}`], [`-O=${file}`], [`-qO${file}`], ['-qO', file], [`-vqO${file}`], [`-qO=${file}`], ['--out', file], [`--out=${file}`], [`--ou=${file}`], [`--OUT=${file}`]]
    for (const way of spelled) {
      forms.push(['proof', '3', ...way], ['-q', 'proof', ...way, '3'], [...way, 'proof', '3'], ['proof', ...way, '--', '3'])
      forms.push(['who', 'ada', '--proof', ...way], ['export', '-u', 'ada', '--format', 'bundle', ...way])
    }
    for (const option of ['cursor-file', 'checkpoint', 'policy', 'token-file', 'config', 'receipt', 'data', 'url', 'key', 'state-file'])
      for (const words of [['audit'], ['audit', 'stats'], ['verify'], ['who'], ['last'], ['store', 'info']])
        forms.push([...words, `--${option}`, file], [...words, `--${option}=${file}`], ['-q', `--${option}=${file}`, ...words])
    for (const what of ['proof', 'bundle'])
      forms.push(['verify', what, file], ['verify', '-q', what, file], ['-q', 'verify', what, file], ['verify', '-qv', what, file], ['verify', '--', what, file], ['verify', '-v', '--quiet', what, file])
    forms.push(['verify', 'between', file, kept], ['verify', '-q', 'between', file, kept], ['tiles', 'export', file], ['tiles', '-q', 'export', file], ['-q', 'tiles', 'export', '--', file])
    forms.push(['import', file], ['-q', 'import', file], ['key', 'gen', 'x.example/k', '-O', file], ['witness', 'serve', '--state', file], ['backup', 'restore', file, fresh], ['retention', 'apply', '--yes'])
  }
  for (const way of [['-d', dir], [`-d${dir}`], [`-qd${dir}`], ['-qd', dir], [`-d=${dir}`], ['--data', dir], [`--data=${dir}`], ['--app', 'side'], ['--app=side'], ['--url', 'http://127.0.0.1:9'], ['--url=http://127.0.0.1:9']])
    forms.push(['who', ...way], [...way, 'who'], ['audit', '-n', '1', ...way], ['snapshot', 'list', ...way])
  for (const words of [[], ['-q'], ['--'], ['serve'], ['-q', 'serve'], ['login', 'eve'], ['-q', 'login', 'eve'], ['forget', 'ada', '--yes'], ['watch'], ['token', 'link'], ['store', 'reads', 'free'], ['store', '-q', 'reads', 'free'], ['company', '--users', '3'], ['checkpoint', 'sign'], ['key', 'rotate'], ['hold', 'add', 'ada'], ['nosuch'], ['who\0', 'x'], ['show', '1', '2'], ['show', 'one'], ['audit', '-n', 'x'], ['audit', '-n', '-5'], ['export', '--format', 'xml'], ['-o', 'xml', 'who'], ['who', '--state', 'onlin'], ['audit', '-e', 'foo'], ['who', '--nosuch'], ['backup', 'list', 'relative'], ['backup', 'create', server.data], ['backup', 'create', dir, '--name', '../up'], ['backup', 'create', dir, '--name', '-q']])
    forms.push(words)
  const wrong = []
  for (let i = 0; i < forms.length; i += 8) // a few at a time: on a server that takes them each is a process
    await Promise.all(forms.slice(i, i + 8).map(async (words) => {
      const got = await command(server, words)
      if (got.status !== 422) wrong.push([words.join(' '), got.status, got.exit])
    }))
  assert.deepEqual(looks(), before, `files were touched: ${JSON.stringify(wrong.slice(0, 4))}`)
  assert.equal(wrong.length, 0, `${wrong.length} of ${forms.length} were taken: ${JSON.stringify(wrong.slice(0, 12))}`)
  assert.equal((await server.v1('GET', '/presence/eve')).status, 404)
  const refused = await command(server, ['proof', '3', `-qO${fresh}`], { token: reader })
  assert.equal(refused.status, 422)
  assert.match(refused.detail, /'-qO.*--out/, 'says what there is instead')
  assert.ok(!existsSync(fresh))
})

test('what may be asked is answered: in either spelling, options first or last', async () => {
  const ndjson = (out) => out.trim().split('\n').map((l) => JSON.parse(l))
  for (const [words, expected] of [
    [['who'], /ada/], [['-q', 'who', 'ada', 'bob'], /ada[^]*bob/], [['who', '--state=online,away', '-o', 'json'], /"ada"/], [['--output=json', 'who', '--', 'ada'], /"ada"/],
    [['last', 'zoe', '-n', '1'], /zoe/], [['audit', '-u', 'bob', '-o', 'ndjson'], /"login"/], [['audit', '--user=bob', '--lines=1', '-r', '--output=ndjson'], /bob/],
    [['audit', 'action=order.paid', '-g', 'aaa'], /order\.paid/], [['audit', 'stats', '--by', 'user', '-n', '2'], /\w/], [['audit', '-q', 'stats', '--by=kind'], /login/], [['audit', 'fields'], /user/], [['audit', 'queries'], /what/i],
    [['show', '3'], /\w/], [['proof', '3'], /c2sp\.org\/tlog-proof/], [['proof', '-O', '-', '3'], /c2sp\.org\/tlog-proof/], [['proof', '3', '--out=-'], /c2sp\.org\/tlog-proof/], [['verify'], /VERIFIED/], [['verify', '--full'], /VERIFIED/],
    [['export', '--format', 'csv', '-u', 'ada'], /order\.paid/], [['export', '-u', 'ada', '--format', 'bundle', '-O', '-'], /log\.vkey/], [['who', 'ada', '--proof'], /log\.vkey/], [['subject', 'export', 'bob'], /"user":"bob"/],
    [['store', 'info'], /rollcall\.local/], [['checkpoint', 'show'], /rollcall\.local/], [['key', 'show'], /rollcall\.local/], [['tiles', 'export', '-'], /tile\/entries/], [['token', 'list'], /reader/]]) {
    const got = await command(server, words)
    const whole = words[0] === 'verify' && got.exit === 21 // the newest events are not signed yet
    assert.deepEqual([got.status, whole ? 0 : got.exit], [200, 0], `${words.join(' ')}: ${got.detail ?? got.err}`)
    assert.match(got.out, expected, words.join(' '))
  }
  assert.deepEqual(ndjson((await command(server, ['audit', '-u', 'bob', '-n', '1', '-o', 'ndjson'])).out).map((e) => e.user), ['bob'])
  for (const words of [['store', 'gaps'], ['hold', 'list'], ['checkpoint', 'history'], ['retention', 'show'], ['retention', 'plan'], ['retention', 'apply', '--dry-run'], ['witness', 'list'], ['snapshot', 'list'], ['backup', 'list', scratch()]]) {
    const got = await command(server, words)
    assert.deepEqual([got.status, got.exit], [200, 0], `${words.join(' ')}: ${got.detail ?? got.err}`)
  }
})

test('-O is the asker’s own file, in every spelling', async () => {
  const dir = scratch()
  const cli = (...args) => run(['-d', server.data, '--url', server.url, ...args])
  const receipt = (await run(['-d', server.data, 'proof', '3'])).out
  for (const [i, way] of [(f) => ['-O', f], (f) => [`-O${f}`], (f) => [`-qO${f}`], (f) => ['--out', f], (f) => [`--out=${f}`]].entries()) {
    const file = join(dir, `receipt-${i}`)
    const got = await cli('proof', '3', ...way(file))
    assert.deepEqual([got.code, got.out], [0, ''], got.err)
    assert.equal(readFileSync(file, 'utf8'), receipt)
  }
  for (const [words, file] of [[['export', '-u', 'bob', '--format', 'bundle', '--complete', 'chain', '-O'], 'bob.tar'], [['who', 'bob', '--proof', '-O'], 'who'], [['who', 'bob', '--proof', '--out'], 'who.tar']]) {
    const made = await cli(...words, join(dir, file))
    assert.equal(made.code, 0, made.err)
    assert.match((await run(['verify', 'bundle', join(dir, file)])).out, /VERIFIED/)
  }
  const cursor = join(dir, 'cursor')
  const first = await cli('audit', '-u', 'bob', '--cursor-file', cursor)
  assert.equal(first.code, 0, first.err)
  assert.ok(existsSync(cursor), 'the cursor’s file is the asker’s, too')
})

test('an app’s admin sees and changes the tokens of its own app alone', async () => {
  const key = 'the-key-of-side'
  const data = scratch()
  writeFileSync(join(data, 'jwt.key'), key, { mode: 0o600 })
  const s = await serve({ data, settings: `[[apps]]\nid = "side"\nkey = "side-key"\nsecret = "side-secret"\n[[apps.jwt]]\nalgorithm = "HS256"\nkey_file = "${join(data, 'jwt.key')}"\naudience = "rollcall"\nissuer = "https://site.example"` })
  const ofMain = await tokenFor(s, 'shop', ['presence:read'], '--app=main')
  const admin = await tokenFor(s, 'side-admin', ['admin'], '--app=side')
  const mainAdmin = await tokenFor(s, 'main-admin', ['admin'], '--app=main')
  const everywhere = await tokenFor(s, 'board', ['presence:read'])
  const jwt = (claims) => {
    const text = [{ alg: 'HS256', typ: 'JWT' }, { aud: 'rollcall', iss: 'https://site.example', exp: Math.floor(Date.now() / 1000) + 600, ...claims }].map((o) => Buffer.from(JSON.stringify(o)).toString('base64url')).join('.')
    return `${text}.${createHmac('sha256', key).update(text).digest('base64url')}`
  }
  const issued = jwt({ sub: 'ida', scope: 'admin audit:read server:admin' })
  const ask = (...words) => command(s, words, { token: admin, app: 'side' })
  const rows = async (options) => JSON.parse((await command(s, ['token', 'list', '-o', 'json'], options)).out).map((t) => `${t.app}/${t.name}`).sort()
  assert.deepEqual(await rows({ token: admin, app: 'side' }), ['side/side-admin'])
  assert.deepEqual(await rows({ token: mainAdmin, app: 'main' }), ['main/main-admin', 'main/shop'])
  assert.deepEqual(await rows({ app: 'side' }), ['*/admin', '*/board', 'main/main-admin', 'main/shop', 'side/side-admin'], 'the server’s admin sees all')
  for (const name of ['main-admin', 'admin', 'board', 'shop']) {
    const got = await ask('token', 'revoke', name)
    assert.ok(got.status !== 200 || got.exit !== 0, `${name} was revoked`)
  }
  const alsoShop = await tokenFor(s, 'shop', ['presence:read'], '--app=side')
  assert.equal((await ask('token', 'revoke', 'shop')).exit, 0, 'its own of the same name')
  assert.deepEqual([await works(s, alsoShop, '?app=side'), await works(s, ofMain, '?app=main'), await works(s, everywhere, '?app=main'), await works(s, s.token, '?app=main'), await works(s, mainAdmin, '?app=main')], [401, 200, 200, 200, 200])
  assert.equal((await command(s, ['token', 'list'], { token: admin, app: 'main' })).status, 401, 'and is nobody in another app')
  const elsewhere = scratch()
  for (const token of [admin, issued]) {
    for (const words of [['token', 'create', 'root', '--scope', 'server:admin'], ['token', 'create', 'root', '--scope', 'admin,server:admin'], ['token', 'create', '--scope=admin', '--scope', 'server:admin', 'root'], ['backup', 'create', elsewhere], ['backup', 'list', elsewhere], ['backup', 'verify', elsewhere], ['backup', 'prune', elsewhere, '--yes'], ['witness', 'add', 'w', 'k', 'http://127.0.0.1:9']])
      assert.equal((await command(s, words, { token, app: 'side' })).status, 403, words.join(' '))
    assert.equal((await s.v1('POST', '/key/rotate?app=side', { token, body: { what: 'master' } })).status, 403)
  }
  assert.deepEqual(readdirSync(elsewhere), [])
  // What it makes is of its app, and does no more than it may itself.
  const made = (await ask('token', 'create', 'made', '--scope', 'admin')).out.trim()
  assert.deepEqual([await works(s, made, '?app=side'), await works(s, made, '?app=main')], [200, 401])
  assert.equal((await command(s, ['backup', 'list', elsewhere], { token: made, app: 'side' })).status, 403)
  // The server's own may all of it.
  assert.equal((await command(s, ['backup', 'list', elsewhere], { app: 'main' })).exit, 0)
  const root = (await command(s, ['token', 'create', 'root', '--scope', 'server:admin'], { app: 'main' })).out.trim()
  assert.deepEqual([await works(s, root, '?app=side'), await works(s, root, '?app=main')], [200, 200])
  assert.equal((await run(['-d', s.data, '--app', 'side', 'token', 'create', 'bad', '--scope', 'nosuch'])).code === 0, false)
  await s.close()
})

test('a token’s name holds no line break: no line of the file is somebody else’s', async () => {
  const hash = createHash('sha256').update('rc_evil').digest('hex')
  const before = readFileSync(join(server.data, 'tokens'), 'utf8')
  for (const name of [`x\n${hash} * admin,server:admin 0 evil`, 'x\ry', 'x\u0007', '', ' x', 'é'.repeat(101)]) {
    assert.notEqual((await run(['-d', server.data, 'token', 'create', name, '--scope', 'presence:read'])).code, 0, JSON.stringify(name))
    const there = await command(server, ['token', 'create', '--scope', 'presence:read', '--', name])
    assert.ok(there.status === 422 || there.exit !== 0, JSON.stringify(name))
  }
  assert.equal(readFileSync(join(server.data, 'tokens'), 'utf8'), before)
  assert.equal(await works(server, 'rc_evil'), 401)
})

test('tokens made at the same time are all made: what was shown works', async () => {
  const made = await Promise.all(Array.from({ length: 12 }, (_, i) => run(['-d', server.data, 'token', 'create', `at-once-${i}`, '--scope', 'presence:read'])))
  const codes = made.map((m) => m.code), statuses = []
  for (const m of made.filter((m) => m.code === 0)) statuses.push(await works(server, m.out.trim()))
  assert.deepEqual(codes, Array(12).fill(0), made.map((m) => m.err).join(''))
  assert.deepEqual(statuses, Array(12).fill(200))
  assert.equal(await works(server, reader), 200, 'and those before them do, too')
  // Made and taken back at the same time: each is as its last command said.
  const back = await Promise.all(made.flatMap((_, i) => [run(['-d', server.data, 'token', i % 2 ? 'revoke' : 'list', ...(i % 2 ? [`at-once-${i}`] : [])]), run(['-d', server.data, 'token', 'create', `more-${i}`, '--scope', 'presence:read'])]))
  assert.deepEqual(back.map((m) => m.code), Array(24).fill(0), back.map((m) => m.err).join(''))
  for (const [i, m] of made.entries()) assert.equal(await works(server, m.out.trim()), i % 2 ? 401 : 200)
})

test('no switch in the environment and no forged errand reads where a reason is asked for', async () => {
  const data = scratch()
  for (const user of ['ada', 'bob']) await run(['-d', data, 'login', user])
  assert.equal((await run(['-d', data, 'store', 'reads', 'reason'])).code, 0)
  assert.equal((await run(['-d', data, '--reason', 'a case', 'who', 'ada'])).code, 0)
  const logged = () => reads({ data }, '--reason', 'the test looks')
  const [read, ...others] = await logged()
  const count = others.length + 1
  const questions = [['who', 'ada'], ['who'], ['last'], ['audit'], ['audit', '-u', 'ada'], ['audit', 'stats'], ['show', '2'], ['export', '--format', 'csv'], ['subject', 'export', 'ada']]
  for (const words of questions) {
    const got = await run(['-d', data, ...words], { ROLLCALL_READ_LOGGED: '1', ROLLCALL_ERRAND: '1' })
    assert.deepEqual([got.code, got.out], [3, ''], `${words.join(' ')}: ${got.err}`)
    assert.match(got.err, /--reason/)
  }
  // As the server would run it, by somebody who is not the server.
  const forged = (errand, words) => new Promise((done) => {
    const child = spawn(binary, [`--data=${data}`, '--app=main', '--no-pager', ...words], { argv0: 'rollcall-errand', stdio: ['pipe', 'pipe', 'pipe'] })
    let out = '', err = ''
    child.stdout.on('data', (d) => (out += d))
    child.stderr.on('data', (d) => (err += d))
    child.stdin.on('error', () => {})
    child.stdin.write(`${JSON.stringify({ parent: process.pid, read: 0, secret: '', server_admin: true, folders: true, nice: false, cpu_s: 0, memory_mb: 0, ...errand })}\n`)
    child.on('close', (code) => done({ code, out, err }))
  })
  for (const errand of [{}, { read: read.seq }, { read: read.seq, secret: 'guessed' }, { read: 2 }, { read: 999999 }, { read: -1 }, { read: 1.5 }, { parent: 1 }])
    for (const words of [['who', 'ada'], ['subject', 'export', 'ada']]) {
      const got = await forged(errand, words)
      assert.deepEqual([got.code !== 0, got.out], [true, ''], JSON.stringify([errand, words, got]))
    }
  assert.equal((await logged()).length, count + 1, 'the test’s own look alone is logged')
})

test('a server’s children take nothing from its environment but the keys', async () => {
  const s = await serve({ env: { ROLLCALL_URL: 'http://127.0.0.1:9', ROLLCALL_DATA: '/nowhere', ROLLCALL_TOKEN: 'rc_wrong', ROLLCALL_READ_LOGGED: '1' } })
  await s.v1('POST', '/login', { body: { user: 'ada' } })
  for (const words of [['who', 'ada'], ['audit', '-u', 'ada'], ['store', 'info'], ['snapshot', 'create'], ['token', 'list']]) {
    const got = await command(s, words)
    assert.deepEqual([got.status, got.exit], [200, 0], `${words.join(' ')}: ${got.detail ?? got.err}`)
  }
  assert.equal((await s.v1('POST', '/reads', { body: { need_reason: true } })).status, 200)
  const got = await command(s, ['who', 'ada'])
  assert.ok(got.status === 409 || got.exit === 3, JSON.stringify(got))
  assert.equal(got.out, '')
  await s.close()
})

test('a read says whose history, who read and what was asked; only what is equal is one', async () => {
  const second = await tokenFor(server, 'second', ['audit:read', 'presence:read'])
  const numbers = Object.fromEntries((await server.v1('GET', '/presence?state=any')).json.people.map((p) => [p.user, p.number]))
  const get = async (path, token) => { const r = await server.request('GET', `/v1${path}`, withToken(token)); assert.equal(r.status, 200, r.text) }
  const from = encodeURIComponent('-2h')
  await get('/timeline/bob', reader); await get('/timeline/bob', second); await get('/timeline/zoe', reader)
  await get(`/timeline/bob?from=${from}`, reader); await get('/timeline/bob', reader)
  await get('/presence?at=now&users=bob,zoe', reader); await get('/presence?at=now&users=bob', second); await get('/presence?at=seq:5&users=bob', second); await get('/presence?at=now', second)
  await get('/concurrency?user=bob', reader); await get('/concurrency?user=zoe', reader)
  for (const token of [reader, second]) for (const user of ['bob', 'zoe'])
    assert.equal((await run(['--url', server.url, 'audit', '-u', user], { ROLLCALL_TOKEN: token })).code, 0)
  assert.equal((await run(['--url', server.url, 'last', 'bob'], { ROLLCALL_TOKEN: second })).code, 0)
  assert.equal((await run(['--url', server.url, 'who', 'bob', 'zoe'], { ROLLCALL_TOKEN: second })).code, 0)
  assert.equal((await run(['--url', server.url, 'export', '-u', 'zoe', '--format', 'csv'], { ROLLCALL_TOKEN: reader })).code, 0)
  const login = JSON.parse((await run(['-d', server.data, 'audit', '-u', 'bob', '-e', 'login', '-o', 'ndjson', '-n', '1'])).out).seq
  assert.equal((await run(['--url', server.url, 'show', String(login)], { ROLLCALL_TOKEN: second })).code, 0)
  const cookie = cookieOf(await server.request('POST', '/login', json({ token: server.token, user: 'eve' })))
  assert.equal((await server.request('GET', '/v1/timeline/bob', { headers: { cookie } })).status, 200)
  const wanted = [
    ['bob', 'token:reader', 'timeline'], ['bob', 'token:second', 'timeline'], ['zoe', 'token:reader', 'timeline'], ['bob', 'token:reader', 'timeline --from'],
    ['bob', 'token:reader', 'who --at=now'], ['zoe', 'token:reader', 'who --at=now'], ['bob', 'token:second', 'who --at=now'], ['bob', 'token:second', 'who --at=seq:5'], [undefined, 'token:second', 'who --at=now'],
    ['bob', 'token:reader', 'concurrency'], ['zoe', 'token:reader', 'concurrency'],
    ['bob', 'token:reader', 'audit'], ['zoe', 'token:reader', 'audit'], ['bob', 'token:second', 'audit'], ['zoe', 'token:second', 'audit'],
    ['bob', 'token:second', 'last'], ['bob', 'token:second', 'who'], ['zoe', 'token:second', 'who'], ['zoe', 'token:reader', 'export'], ['bob', 'token:second', 'show'],
    ['bob', 'eve', 'timeline'], ['bob', 'token:admin', 'timeline']]
  const has = (all, [user, by, what]) => all.some((r) => r.subject === (user ? numbers[user] : 0) && r.by.includes(by) && r.what.startsWith(what))
  let missing = wanted
  await until(async () => { const all = await reads(server); missing = wanted.filter((w) => !has(all, w)); return missing.length === 0 }, 'every read is in the log', 3000).catch(() => {})
  assert.deepEqual(missing, [], 'these reads are in the log')
  const all = await reads(server)
  assert.equal(all.filter((r) => r.by === 'token:reader' && r.subject === numbers.bob && r.what === 'timeline').length, 1, 'the same question of the same reader within a minute is one')
  assert.ok(!all.some((r) => /bob|zoe/.test(r.what)), 'and names stand in no text')
  // The person is told, and nothing of others.
  const exported = await run(['--url', server.url, 'subject', 'export', 'bob'], { ROLLCALL_TOKEN: reader })
  assert.equal(exported.code, 0, exported.err)
  const told = JSON.parse(exported.out).reads_of_the_persons_history
  assert.ok(told.every((e) => e.subject_number === numbers.bob))
  for (const [by, what] of [['token:reader', 'timeline'], ['token:second', 'timeline'], ['token:second', 'audit'], ['token:second', 'who'], ['token:reader', 'subject export']])
    assert.ok(told.some((e) => e.detail?.by?.includes(by) && e.detail.what.startsWith(what)), `${by} ${what}`)
})

test('audit queries says who read', async () => {
  assert.equal((await run(['--url', server.url, 'audit', '-u', 'zoe', '-n', '1'], { ROLLCALL_TOKEN: reader })).code, 0)
  const rows = JSON.parse((await command(server, ['audit', 'queries', '-o', 'json'])).out)
  const row = rows.findLast((r) => r.what.startsWith('audit') && r.subject === 'zoe')
  assert.ok(row, 'the read is listed')
  assert.equal(row.by ?? row.reader, 'token:reader')
  assert.match((await command(server, ['audit', 'queries'])).out, /token:reader/)
})

test('a person who is named by a field, a session or a number is named in the log of reads', async () => {
  const asker = await tokenFor(server, 'by-field', ['audit:read'])
  const number = (await server.v1('GET', '/presence/bob')).json.number
  const session = JSON.parse((await run(['-d', server.data, 'audit', '-u', 'bob', '-e', 'login', '-o', 'ndjson', '-n', '1'])).out).seq
  const missed = []
  for (const words of [['audit', 'user=bob'], ['audit', '--session', String(session)], ['audit', 'stats', 'user=bob'], ['export', '--format', 'csv', 'user=bob']]) {
    const mine = async () => (await reads(server)).filter((r) => r.by === 'token:by-field')
    const earlier = (await mine()).length
    const got = await command(server, words, { token: asker })
    assert.deepEqual([got.status, got.exit], [200, 0], `${words.join(' ')}: ${got.detail ?? got.err}`)
    if (!(await mine()).slice(earlier).some((r) => r.subject === number)) missed.push(words.join(' '))
  }
  assert.deepEqual(missed, [], 'these questions about bob do not say so')
})

test('a read that cannot be written down is not answered', async () => {
  const asker = await tokenFor(server, 'unlogged', ['audit:read', 'presence:read'])
  const mine = async () => (await reads(server)).filter((r) => r.by === 'token:unlogged').length
  const many = (kinds) => ['audit', '-u', 'bob', ...Array.from({ length: 90 }, () => ['-e', kinds]).flat()]
  const unlogged = []
  for (const [name, ask] of Object.entries({
    'a reason of 400 kB': () => command(server, ['audit', '-u', 'bob'], { token: asker, reason: 'r'.repeat(400_000) }),
    'a long list of kinds': () => command(server, many(Array(150).fill('login').join(',')), { token: asker }),
    'a reason that is no UTF-8': () => server.request('GET', '/v1/timeline/bob', { headers: { ...bearer(asker), 'rollcall-reason': '%FF%FE' } }),
    'a ticket that is no UTF-8': () => server.request('GET', '/v1/presence?at=now', { headers: { ...bearer(asker), 'rollcall-ticket': '%80' } }) })) {
    const earlier = await mine()
    const got = await ask()
    const answered = got.status === 200 && (got.exit ?? 0) === 0
    if (answered && !(await until(async () => (await mine()) > earlier, 'the read is logged', 700).catch(() => false))) unlogged.push(name)
  }
  assert.deepEqual(unlogged, [], 'answered, and in no log')
})

test('a name with commas and backslashes in it can be asked for, and is one name in the log of reads', async () => {
  const dn = 'cn=Doe\\, Jane,ou=x', pair = 'duo,trio'
  for (const user of [dn, pair, 'duo', 'trio']) await server.v1('POST', '/login', { body: { user } })
  const escaped = (name) => encodeURIComponent(name.replace(/[\\,]/g, '\\$&'))
  for (const at of ['', '&at=now']) {
    const ask = async (users) => (await server.v1('GET', `/presence?users=${users}${at}`)).json.people.map((p) => p.user)
    assert.deepEqual(await ask(escaped(dn)), [dn])
    assert.deepEqual(await ask(escaped(pair)), [pair])
    assert.deepEqual(await ask(`trio,${escaped(dn)}`), [dn, 'trio'])
    assert.deepEqual(await ask('duo,trio'), ['duo', 'trio'])
  }
  assert.match((await command(server, ['audit', '-u', 'trio,duo'])).err, /no user/)
  const reads = (await command(server, ['audit', 'queries', '-o', 'ndjson', '--subject', 'duo'])).out.trim().split('\n').map((l) => JSON.parse(l).what)
  assert.deepEqual(reads.filter((what) => what.startsWith('audit --user')), [])
})

test('every filter works in every form of an endpoint; what nothing heeds is refused', async () => {
  const get = (path) => server.v1('GET', path)
  const names = async (path) => (await get(path)).json.people.map((p) => p.user)
  assert.deepEqual(await names('/presence?at=now&users=zoe'), ['zoe'])
  for (const at of ['', '&at=now']) {
    const ask = (query) => names(`/presence?${query}${at}`)
    assert.deepEqual(await ask('users=zoe'), ['zoe'], at)
    assert.deepEqual(await ask('users=zoe,bob,nobody-such'), ['bob', 'zoe'])
    assert.deepEqual(await ask('users=zoe,zoe'), ['zoe'])
    assert.deepEqual(await ask('users=nobody-such'), [])
    assert.deepEqual(await ask('users=zoe&state=online'), [])
    assert.deepEqual(await ask('users=zoe,bob&state=online'), ['bob'])
    assert.deepEqual(await ask('users=zoe,bob&state=offline'), ['zoe'])
    assert.equal((await ask('users=zoe,bob&state=any&limit=1')).length, 1)
    assert.equal((await ask('state=any')).length >= 3, true)
    assert.deepEqual((await ask('state=offline')).includes('zoe'), true)
    assert.equal((await ask('limit=1')).length, 1)
    assert.equal((await get(`/presence?state=onlin${at}`)).status, 422)
    assert.equal((await get(`/presence?users=zoe&limit=x${at}`)).status, 422)
  }
  for (const path of ['/presence?user=zoe', '/presence?at=now&user=zoe', '/presence?users=zoe&users=bob', '/presence?at=now&at=seq:3', '/presence?state=any&state=online', '/presence/zoe?at=now', '/timeline/bob?since=-1h', '/timeline/bob?from=-1h&from=-2h', '/timeline/bob?user=zoe', '/concurrency?users=bob', '/concurrency?slices=2&slices=3', '/me?x=1', '/log?x=1', '/health?details=1&details=2', '/rooms/lobby/messages?since=1', '/rooms/lobby/messages?limit=1&limit=2', '/presence?Users=zoe', '/presence?app=main&app=main'])
    assert.equal((await get(path)).status, 422, path)
  assert.match((await get('/presence?user=zoe')).json.detail, /'user'.*users/, 'says what there is')
  assert.equal((await server.v1('POST', '/activity?user=zoe', { body: { user: 'ada', action: 'x.y' } })).status, 422)
})

test('a stream’s parameters are those there are, each once', async () => {
  const wrong = []
  for (const query of ['?after=0&after=99', '?since=0', '?only=presence&only=presence', '?only=all', '?users=zoe', '?after=-1', '?after=x']) {
    const s = streaming(server, 'GET', `/v1/stream${query}`, bearer(server.token))
    await until(() => s.status !== undefined || s.over)
    if (s.status !== 422) wrong.push([query, s.status])
    s.req.destroy()
  }
  assert.deepEqual(wrong, [])
})
