// Who gets in and what he may do: which questions travel and what they can touch, whose tokens an
// app's admin governs, and what is kept of a read.
import test, { after, before } from 'node:test'
import assert from 'node:assert/strict'
import { createHash, createHmac } from 'node:crypto'
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ask, bearer, childrenOf, cookieOf, endAll, json, reads, serve, streaming, tokenFor, withToken, works } from './access.mjs'
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

/** Every question there is, as the server itself says: method, path below /v1, and what it takes. */
async function questions() {
  const { paths } = (await server.request('GET', '/openapi.json')).json
  return Object.entries(paths).flatMap(([path, item]) => Object.entries(item).filter(([, o]) => /a line a row/.test(o.responses['200'].description) || path === '/v1/presence').map(([method, o]) => {
    const members = o.requestBody ? o.requestBody.content['application/json'].schema.properties : Object.fromEntries((o.parameters ?? []).map((p) => [p.name, p.schema]))
    return { method: method.toUpperCase(), path: path.slice(3), members }
  }))
}
const missing = 'no-such'
/** One of them with these values: those of its path first, then the query or the body. */
function put({ method, path }, values, options) {
  const rest = { ...values }
  let full = path.replace(/\{(\w+)\}/g, (_, name) => { const v = rest[name] ?? (name === 'seq' ? 3 : 'ada'); delete rest[name]; return encodeURIComponent(v) })
  if (path === '/presence') rest.at ??= 'now'
  if (path === '/timeline') rest.user ??= 'ada'
  if (path.startsWith('/backups')) rest.folder ??= '/nowhere'
  if (method === 'POST') return ask(server, method, full, { body: rest, ...options })
  const query = new URLSearchParams(rest).toString()
  if (query) full += `?${query}`
  return ask(server, method, full, options)
}

test('no question names a file, another store or another server, however it is spelled', async () => {
  const dir = scratch()
  const kept = join(dir, 'kept'), fresh = join(dir, 'fresh')
  writeFileSync(kept, 'as it was\n')
  const looks = () => [dir, here].flatMap((folder) => readdirSync(folder, { recursive: true, withFileTypes: true })).map((e) => (e.isFile() ? `${e.name}: ${readFileSync(join(e.path, e.name), 'utf8').slice(0, 40)}` : e.name)).sort()
  const before = looks()
  const all = await questions()
  assert.ok(all.length >= 30, `${all.length} questions`)
  const taken = [], answered = []
  const each = async (forms, one) => { for (let i = 0; i < forms.length; i += 8) await Promise.all(forms.slice(i, i + 8).map(one)) }
  // What a command line takes for files and places is no member of any question, in any spelling.
  const names = ['out', 'O', '-O', '--out', 'ou', 'OUT', 'cursor_file', 'cursor-file', 'token_file', 'config', 'receipt', 'data', 'd', 'url', 'key', 'state_file', 'file', 'path', 'bundle', 'output', 'arguments', 'policy_file', 'checkpoint_file', 'dir']
  const values = [kept, fresh, 'http://127.0.0.1:9', '-']
  const forms = all.flatMap((q) => names.filter((name) => !(name in q.members)).flatMap((name) => values.map((value) => [q, { [name]: value }])))
  await each(forms, async ([q, given], i) => {
    const got = await put(q, given, { lines: i % 2 === 1 })
    if (got.status !== 422) taken.push([q.method, q.path, given, got.status])
    else if (!/there is no (parameter|field)/.test(got.detail)) taken.push([q.method, q.path, given, got.detail])
  })
  assert.equal(taken.length, 0, `${taken.length} of ${forms.length} were taken: ${JSON.stringify(taken.slice(0, 12))}`)
  // What each does take is no file either: a name is a name, a policy is its text, a number a number.
  const inside = all.flatMap((q) => Object.keys(q.members).flatMap((name) => [kept, fresh, '../up', 'relative', '-', '-qO'].map((value) => [q, { [name]: q.method === 'POST' && q.members[name].type === 'array' ? [value] : value }])))
  await each(inside, async ([q, given]) => {
    const got = await put(q, given)
    const folder = /^.backups/.test(q.path)
    if (folder ? got.status !== 422 : got.status >= 500) answered.push([q.method, q.path, given, got.status, got.detail])
  })
  assert.deepEqual(answered, [], 'answered')
  for (const body of [{ folder: server.data }, { folder: dir, name: '../up' }, { folder: dir, name: '-q' }, { folder: dir, name: '/up' }, { folder: dir, vault: 'relative' }, { folder: dir, vault: fresh }, { folder: dir, vault: server.data }])
    assert.equal((await ask(server, 'POST', '/backups', { body })).status, 422, JSON.stringify(body))
  // Another app's store is reached by ?app= alone, and there is none.
  for (const q of all) {
    const path = q.path.replace('{seq}', '3').replace('{user}', 'ada')
    assert.equal((await ask(server, q.method, `${path}?app=side${q.path === '/presence' ? '&at=now' : ''}`, q.method === 'POST' ? { body: {} } : {})).status, 404, path)
  }
  // Words of a command line are not taken any more, whatever they say; nor are paths that never were.
  for (const words of [['who'], ['proof', '3', '-O', kept], ['proof', '3', `-qO${fresh}`], ['verify', 'bundle', kept], ['import', kept], ['login', 'eve'], []]) {
    const got = await ask(server, 'POST', '/command', { body: { arguments: words } })
    assert.equal(got.status, 410, words.join(' '))
    assert.match(got.detail, /GET \/v1\/events\b.*POST \/v1\/verify\b/, 'says what there is instead')
  }
  for (const path of ['/audit', '/who', '/import', '/restore', '/serve', '/login/eve', '/snapshot/create', '/witness/serve', '/events/3/raw', '/timeline/ada', `/events/${missing}`, '/events/1.5'])
    assert.ok([404, 422].includes((await ask(server, 'GET', path)).status), path)
  assert.deepEqual(looks(), before, 'no file was touched')
  assert.equal((await server.v1('GET', '/presence/eve')).status, 404)
  assert.equal((await ask(server, 'GET', `/events/3/proof?out=${encodeURIComponent(fresh)}`, { token: reader })).status, 422)
  assert.ok(!existsSync(fresh))
})

test('what may be asked is answered: as one object and in lines, with the same rows', async () => {
  const same = []
  for (const [method, path, body, expected, member] of [
    ['GET', '/presence?at=now', , /"ada"/, 'people'], ['GET', '/presence?at=now&user=ada&user=bob', , /"ada"[^]*"bob"/, 'people'], ['GET', '/presence?at=seq:5&state=online&state=away', , /"ada"/, 'people'],
    ['GET', '/sessions?user=zoe&limit=1', , /"zoe"/, 'sessions'], ['GET', '/events?user=bob', , /"login"/], ['GET', '/events?user=bob&limit=1&reverse=true', , /bob/], ['GET', '/events?match=action%3Dorder.paid&grep=aaa', , /order\.paid/],
    ['GET', '/stats?by=user&limit=2', , /"events"/], ['GET', '/stats?by=kind', , /login/], ['GET', '/fields', , /"user"/, 'fields'], ['GET', '/fields?field=action', , /order\.paid/, 'fields'], ['GET', '/queries', , /"what"/],
    ['GET', '/events/3', , /"seq":3/], ['GET', '/events/3/proof', , /c2sp\.org\/tlog-proof/], ['POST', '/verify', {}, /"verdict"/], ['POST', '/verify', { full: true }, /"VERIFIED"|"INCOMPLETE"/],
    ['POST', '/export', { user: ['ada'] }, /log\.vkey/], ['POST', '/export', { user: ['ada'], complete: 'chain' }, /log\.vkey/], ['POST', '/presence/proof', { user: ['ada'] }, /log\.vkey/], ['POST', '/subjects/export', { user: 'bob' }, /"user":"bob"/], ['POST', '/subjects/bob/export', {}, /"user":"bob"/],
    ['GET', '/store', , /rollcall\.local/], ['GET', '/checkpoints?newest=true', , /rollcall\.local/], ['GET', '/checkpoints', , /rollcall\.local/, 'checkpoints'], ['GET', '/keys', , /rollcall\.local/, 'keys'], ['GET', '/tiles', , /tile\/entries/],
    ['GET', '/gaps', , /"gaps":/, 'gaps'], ['GET', '/holds', , /"holds":/, 'holds'], ['GET', '/retention', , /"rules":/, 'rules'], ['GET', '/retention/plan', , /"plan":/, 'plan'], ['GET', '/witnesses', , /"witnesses":/, 'witnesses'], ['GET', '/snapshots', , /"snapshots":/, 'snapshots'],
    ['GET', `/backups?folder=${encodeURIComponent(scratch())}`, , /"backups":\[\]/, 'backups'], ['GET', '/timeline?user=bob', , /"spans"/], ['GET', '/concurrency?user=bob&slices=3', , /"slices"/], ['GET', '/tokens', , /reader/]]) {
    const got = await ask(server, method, path, { body })
    assert.equal(got.status, 200, `${method} ${path}: ${got.detail}`)
    assert.match(got.text, expected, path)
    if (path === '/tokens') continue
    const lines = await ask(server, method, path, { body, lines: true })
    assert.ok(lines.ok, `${method} ${path}: ${lines.text.slice(0, 300)}`)
    assert.equal(lines.headers['content-type'], 'application/x-ndjson')
    if (member) same.push([path, JSON.stringify(lines.rows) === JSON.stringify(got.json[member])])
  }
  assert.deepEqual(same.filter(([, is]) => !is), [], 'rows are the same')
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
  const post = (path, body, { token = admin, app: of = 'side' } = {}) => ask(s, 'POST', `${path}?app=${of}`, { token, body })
  const rows = async ({ token, app: of }) => (await ask(s, 'GET', `/tokens?app=${of}`, { token })).json.tokens.map((t) => `${t.app}/${t.name}`).sort()
  assert.deepEqual(await rows({ token: admin, app: 'side' }), ['side/side-admin'])
  assert.deepEqual(await rows({ token: mainAdmin, app: 'main' }), ['main/main-admin', 'main/shop'])
  assert.deepEqual(await rows({ app: 'side' }), ['*/admin', '*/board', 'main/main-admin', 'main/shop', 'side/side-admin'], 'the server’s admin sees all')
  for (const name of ['main-admin', 'admin', 'board', 'shop']) {
    assert.equal((await post('/tokens/revoke', { name })).status, 404, `${name} was revoked`)
  }
  const alsoShop = await tokenFor(s, 'shop', ['presence:read'], '--app=side')
  assert.equal((await post('/tokens/revoke', { name: 'shop' })).status, 200, 'its own of the same name')
  assert.deepEqual([await works(s, alsoShop, '?app=side'), await works(s, ofMain, '?app=main'), await works(s, everywhere, '?app=main'), await works(s, s.token, '?app=main'), await works(s, mainAdmin, '?app=main')], [401, 200, 200, 200, 200])
  assert.equal((await ask(s, 'GET', '/tokens?app=main', { token: admin })).status, 401, 'and is nobody in another app')
  const elsewhere = scratch()
  for (const token of [admin, issued]) {
    for (const [path, body] of [['/tokens', { name: 'root', scopes: ['server:admin'] }], ['/tokens', { name: 'root', scopes: ['admin', 'server:admin'] }], ['/backups', { folder: elsewhere }], ['/backups/verify', { folder: elsewhere }], ['/backups/prune', { folder: elsewhere }], ['/witnesses', { name: 'w', key: 'k', url: 'http://127.0.0.1:9' }]])
      assert.equal((await post(path, body, { token })).status, 403, path + JSON.stringify(body))
    assert.equal((await ask(s, 'GET', `/backups?app=side&folder=${encodeURIComponent(elsewhere)}`, { token })).status, 403)
    assert.equal((await ask(s, 'GET', `/backups?app=side&folder=${encodeURIComponent(elsewhere)}`, { token, lines: true })).status, 403)
    assert.equal((await post('/tokens', { name: 'root', scopes: ['admin,server:admin'] }, { token })).status, 422, 'a list is a list')
    assert.equal((await s.v1('POST', '/key/rotate?app=side', { token, body: { what: 'master' } })).status, 403)
  }
  assert.deepEqual(readdirSync(elsewhere), [])
  // What it makes is of its app, and does no more than it may itself.
  const made = (await post('/tokens', { name: 'made', scopes: ['admin'] })).json.token
  assert.deepEqual([await works(s, made, '?app=side'), await works(s, made, '?app=main')], [200, 401])
  const backups = (options) => ask(s, 'GET', `/backups?app=${options.app}&folder=${encodeURIComponent(elsewhere)}`, options)
  assert.equal((await backups({ token: made, app: 'side' })).status, 403)
  // The server's own may all of it.
  assert.equal((await backups({ app: 'main' })).status, 200)
  const root = (await post('/tokens', { name: 'root', scopes: ['server:admin'] }, { token: s.token, app: 'main' })).json.token
  assert.deepEqual([await works(s, root, '?app=side'), await works(s, root, '?app=main')], [200, 200])
  assert.equal((await run(['-d', s.data, '--app', 'side', 'token', 'create', 'bad', '--scope', 'nosuch'])).code === 0, false)
  await s.close()
})

test('a token’s name holds no line break: no line of the file is somebody else’s', async () => {
  const hash = createHash('sha256').update('rc_evil').digest('hex')
  const before = readFileSync(join(server.data, 'tokens'), 'utf8')
  for (const name of [`x\n${hash} * admin,server:admin 0 evil`, 'x\ry', 'x\u0007', '', ' x', 'é'.repeat(101)]) {
    assert.notEqual((await run(['-d', server.data, 'token', 'create', name, '--scope', 'presence:read'])).code, 0, JSON.stringify(name))
    assert.equal((await ask(server, 'POST', '/tokens', { body: { name, scopes: ['presence:read'] } })).status, 422, JSON.stringify(name))
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
  const key = 'ab'.repeat(32)
  const s = await serve({ env: { ROLLCALL_URL: 'http://127.0.0.1:9', ROLLCALL_DATA: '/nowhere', ROLLCALL_TOKEN: 'rc_wrong', ROLLCALL_READ_LOGGED: '1', ROLLCALL_MASTER_KEY: key, LISTEN_FDNAMES: 'x' } })
  await s.v1('POST', '/login', { body: { user: 'ada' } })
  for (const [method, path, body] of [['GET', '/presence?at=now&user=ada'], ['GET', '/events?user=ada'], ['GET', '/store'], ['POST', '/snapshots', {}], ['GET', '/tokens']]) {
    const got = await ask(s, method, path, { body })
    assert.equal(got.status, 200, `${path}: ${got.detail}`)
  }
  const children = childrenOf(s.child.pid)
  assert.ok(children.length > 0)
  for (const child of children)
    assert.deepEqual(readFileSync(`/proc/${child}/environ`, 'utf8').split('\0').filter((entry) => /^(ROLLCALL|LISTEN)_/.test(entry)), [`ROLLCALL_MASTER_KEY=${key}`])
  assert.equal((await s.v1('POST', '/reads', { body: { need_reason: true } })).status, 200)
  for (const lines of [false, true]) {
    const got = await ask(s, 'GET', '/presence?at=now&user=ada', { lines })
    assert.deepEqual([got.status, got.code], [409, 'refused'])
    assert.ok(!got.text.includes('online'))
  }
  await s.close()
})

test('a read says whose history, who read and what was asked; only what is equal is one', async () => {
  const second = await tokenFor(server, 'second', ['audit:read', 'presence:read'])
  const numbers = Object.fromEntries((await server.v1('GET', '/presence?state=any')).json.people.map((p) => [p.user, p.number]))
  const get = async (path, token) => { const r = await server.request('GET', `/v1${path}`, withToken(token)); assert.equal(r.status, 200, r.text) }
  const from = encodeURIComponent('-2h')
  await get('/timeline?user=bob', reader); await get('/timeline?user=bob', second); await get('/timeline?user=zoe', reader)
  await get(`/timeline?user=bob&from=${from}`, reader); await get('/timeline?user=bob', reader)
  await get('/presence?at=now&user=bob&user=zoe', reader); await get('/presence?at=now&user=bob', second); await get('/presence?at=seq:5&user=bob', second); await get('/presence?at=now', second)
  await get('/concurrency?user=bob', reader); await get('/concurrency?user=zoe', reader)
  for (const token of [reader, second]) for (const user of ['bob', 'zoe'])
    assert.equal((await run(['--url', server.url, 'audit', '-u', user], { ROLLCALL_TOKEN: token })).code, 0)
  assert.equal((await run(['--url', server.url, 'last', 'bob'], { ROLLCALL_TOKEN: second })).code, 0)
  assert.equal((await run(['--url', server.url, 'who', 'bob', 'zoe'], { ROLLCALL_TOKEN: second })).code, 0)
  assert.equal((await run(['--url', server.url, 'export', '-u', 'zoe', '-e', 'login', '--format', 'csv'], { ROLLCALL_TOKEN: reader })).code, 0)
  assert.equal((await run(['--url', server.url, 'export', '-u', 'zoe', '--format', 'bundle', '-O', join(scratch(), 'zoe.tar')], { ROLLCALL_TOKEN: reader })).code, 0)
  const login = JSON.parse((await run(['-d', server.data, 'audit', '-u', 'bob', '-e', 'login', '-o', 'ndjson', '-n', '1'])).out).seq
  assert.equal((await run(['--url', server.url, 'show', String(login)], { ROLLCALL_TOKEN: second })).code, 0)
  const cookie = cookieOf(await server.request('POST', '/login', json({ token: server.token, user: 'eve' })))
  assert.equal((await server.request('GET', '/v1/timeline?user=bob', { headers: { cookie } })).status, 200)
  const wanted = [
    ['bob', 'token:reader', 'timeline'], ['bob', 'token:second', 'timeline'], ['zoe', 'token:reader', 'timeline'], ['bob', 'token:reader', 'timeline user=… from=-2h'],
    ['bob', 'token:reader', 'who user=… user=… at=now'], ['zoe', 'token:reader', 'who user=… user=… at=now'], ['bob', 'token:second', 'who user=… at=now'], ['bob', 'token:second', 'who user=… at=seq:5'], [undefined, 'token:second', 'who at=now'],
    ['bob', 'token:reader', 'concurrency'], ['zoe', 'token:reader', 'concurrency'],
    ['bob', 'token:reader', 'audit'], ['zoe', 'token:reader', 'audit'], ['bob', 'token:second', 'audit'], ['zoe', 'token:second', 'audit'],
    ['bob', 'token:second', 'last'], ['bob', 'token:second', 'who'], ['zoe', 'token:second', 'who'], ['zoe', 'token:reader', 'audit user=… event=login'], ['zoe', 'token:reader', 'export'], ['bob', 'token:second', 'show'],
    ['bob', 'eve', 'timeline'], ['bob', 'token:admin', 'timeline']]
  const has = (all, [user, by, what]) => all.some((r) => r.subject === (user ? numbers[user] : 0) && r.by.includes(by) && r.what.startsWith(what))
  let missing = wanted
  await until(async () => { const all = await reads(server); missing = wanted.filter((w) => !has(all, w)); return missing.length === 0 }, 'every read is in the log', 3000).catch(() => {})
  assert.deepEqual(missing, [], 'these reads are in the log')
  const all = await reads(server)
  assert.equal(all.filter((r) => r.by === 'token:reader' && r.subject === numbers.bob && r.what === 'timeline user=…').length, 1, 'the same question of the same reader within a minute is one')
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
  const rows = (await ask(server, 'GET', '/queries')).json.queries
  const row = rows.findLast((r) => r.what.startsWith('audit') && r.subject === 'zoe')
  assert.ok(row, 'the read is listed')
  assert.equal(row.reader, 'token:reader')
  assert.match((await run(['-d', server.data, '--url', server.url, 'audit', 'queries'])).out, /token:reader/)
})

test('a person who is named by a field, a session or a number is named in the log of reads', async () => {
  const asker = await tokenFor(server, 'by-field', ['audit:read'])
  const number = (await server.v1('GET', '/presence/bob')).json.number
  const session = JSON.parse((await run(['-d', server.data, 'audit', '-u', 'bob', '-e', 'login', '-o', 'ndjson', '-n', '1'])).out).seq
  const missed = []
  for (const [method, path, body] of [['GET', '/events?match=user%3Dbob'], ['GET', `/events?session=${session}`], ['GET', '/events?match=subject%3Dbob'], ['GET', '/events?subject=bob'], ['GET', `/events?match=user_number%3D${number}`], ['GET', `/events?number=${number}`], ['GET', '/stats?match=user%3Dbob'], ['GET', `/sessions?number=${number}`], ['GET', `/presence?at=now&number=${number}`], ['GET', `/events/${session}`], ['POST', '/export', { match: ['user=bob'] }], ['POST', '/export', { number: [number] }], ['POST', '/subjects/export', { number }], ['POST', '/presence/proof', { number: [number] }]]) {
    const mine = async () => (await reads(server)).filter((r) => r.by === 'token:by-field')
    const earlier = (await mine()).length
    const got = await ask(server, method, path, { token: asker, body, lines: true })
    assert.ok(got.ok, `${path}: ${got.detail}`)
    if (!(await mine()).slice(earlier).some((r) => r.subject === number)) missed.push([path, body])
  }
  assert.deepEqual(missed, [], 'these questions about bob do not say so')
})

test('a read that cannot be written down is not answered', async () => {
  const asker = await tokenFor(server, 'unlogged', ['audit:read', 'presence:read'])
  const mine = async () => (await reads(server)).filter((r) => r.by === 'token:unlogged').length
  const unlogged = []
  for (const [name, request] of Object.entries({
    'a reason of 400 kB': () => server.v1('GET', '/events?user=bob', { token: asker, headers: { 'rollcall-reason': 'r'.repeat(400_000) } }),
    'a reason of 5 kB': () => server.v1('GET', '/events?user=bob', { token: asker, headers: { 'rollcall-reason': 'r'.repeat(5000) } }),
    'a long list of kinds': () => ask(server, 'POST', '/export', { token: asker, body: { user: ['bob'], event: Array(13_500).fill('login') } }),
    'a long list of kinds, in lines': () => ask(server, 'POST', '/export', { token: asker, lines: true, body: { user: ['bob'], event: Array(13_500).fill('login') } }),
    'a reason that is no UTF-8': () => server.request('GET', '/v1/timeline?user=bob', { headers: { ...bearer(asker), 'rollcall-reason': '%FF%FE' } }),
    'a ticket that is no UTF-8': () => server.request('GET', '/v1/presence?at=now', { headers: { ...bearer(asker), 'rollcall-ticket': '%80' } }) })) {
    const earlier = await mine()
    const got = await request().catch(() => ({ status: 0 }))
    const answered = got.status === 200
    if (answered && !(await until(async () => (await mine()) > earlier, 'the read is logged', 700).catch(() => false))) unlogged.push(name)
  }
  assert.deepEqual(unlogged, [], 'answered, and in no log')
})

test('a name with commas and backslashes in it can be asked for, and is one name in the log of reads', async () => {
  const dn = 'cn=Doe\\, Jane,ou=x', pair = 'duo,trio'
  for (const user of [dn, pair, 'duo', 'trio']) await server.v1('POST', '/login', { body: { user } })
  const escaped = (name) => encodeURIComponent(name.replace(/[\\,]/g, '\\$&'))
  const names = async (query) => (await server.v1('GET', `/presence?${query}`)).json.people.map((p) => p.user)
  assert.deepEqual(await names(`users=${escaped(dn)}`), [dn])
  assert.deepEqual(await names(`users=${escaped(pair)}`), [pair])
  assert.deepEqual(await names(`users=trio,${escaped(dn)}`), [dn, 'trio'])
  assert.deepEqual(await names('users=duo,trio'), ['duo', 'trio'])
  // Where a parameter may be given more than once, each is a name as it is.
  const given = (...users) => users.map((name) => `user=${encodeURIComponent(name)}`).join('&')
  for (const [users, found] of [[[dn], [dn]], [[pair], [pair]], [['trio', dn], [dn, 'trio']], [['duo', 'trio'], ['duo', 'trio']]]) {
    assert.deepEqual(await names(`at=now&${given(...users)}`), found)
    assert.deepEqual([...new Set((await ask(server, 'GET', `/events?event=login&${given(...users)}`)).json.events.map((e) => e.user))].sort(), [...found].sort())
  }
  const nobody = await ask(server, 'GET', '/events?user=trio,duo')
  assert.deepEqual([nobody.status, nobody.code], [404, 'not-found'])
  assert.match(nobody.detail, /no user/)
  const reads = (await ask(server, 'GET', '/queries?subject=duo')).json.queries.map((q) => q.what)
  assert.deepEqual(reads.filter((what) => what.startsWith('audit user=…') && !what.startsWith('audit user=… user=…')), [], 'who asked for duo,trio asked for neither')
})

test('every filter works in every form of an endpoint; what nothing heeds is refused', async () => {
  const get = (path) => server.v1('GET', path)
  const names = async (path) => (await get(path)).json.people.map((p) => p.user)
  for (const [at, list] of [['', (...users) => `users=${users.join(',')}`], ['&at=now', (...users) => users.map((u) => `user=${u}`).join('&')]]) {
    const ask = (query) => names(`/presence?${query}${at}`)
    assert.deepEqual(await ask(list('zoe')), ['zoe'], at)
    assert.deepEqual(await ask(list('zoe', 'zoe')), ['zoe'])
    assert.deepEqual(await ask(list('zoe', 'bob')), ['bob', 'zoe'])
    assert.deepEqual(await ask(`${list('zoe')}&state=online`), [])
    assert.deepEqual(await ask(`${list('zoe', 'bob')}&state=online`), ['bob'])
    assert.deepEqual(await ask(`${list('zoe', 'bob')}&state=offline`), ['zoe'])
    assert.equal((await ask(`${list('zoe', 'bob')}&state=any&limit=1`)).length, 1)
    assert.equal((await ask('state=any')).length >= 3, true)
    assert.deepEqual((await ask('state=offline')).includes('zoe'), true)
    assert.equal((await ask('limit=1')).length, 1)
    assert.equal((await get(`/presence?state=onlin${at}`)).status, 422)
    assert.equal((await get(`/presence?${list('zoe')}&limit=x${at}`)).status, 422)
  }
  assert.deepEqual(await names('/presence?users=zoe,bob,nobody-such'), ['bob', 'zoe'])
  assert.deepEqual(await names('/presence?users=nobody-such'), [])
  assert.equal((await get('/presence?at=now&user=zoe&user=nobody-such')).status, 404, 'of a past that is asked about somebody')
  assert.deepEqual((await names('/presence?at=now&state=online&state=offline')).includes('zoe'), true, 'a list is given as often')
  for (const path of ['/presence?users=zoe&users=bob', '/presence?at=now&users=zoe&users=bob', '/presence?at=now&at=seq:3', '/presence?name=zoe', '/presence?limit=1&limit=2', '/presence/zoe?at=now', '/timeline?user=bob&since=-1h', '/timeline?user=bob&from=-1h&from=-2h', '/timeline?user=bob&user=zoe', '/timeline', '/events?users=bob', '/events?limit=1&limit=2', '/events?User=bob', '/sessions?when=now', '/stats?by=user&by=ip', '/store?x=1', '/events/3?user=bob', '/concurrency?users=bob', '/concurrency?slices=2&slices=3', '/me?x=1', '/log?x=1', '/health?details=1&details=2', '/rooms/lobby/messages?since=1', '/rooms/lobby/messages?limit=1&limit=2', '/presence?Users=zoe', '/presence?app=main&app=main'])
    assert.equal((await get(path)).status, 422, path)
  assert.match((await get('/presence?name=zoe')).json.detail, /'name'.*users/, 'says what there is')
  // Now and of a moment alike: names one each or in one text, states one each.
  for (const at of ['', '&at=now'])
    for (const query of ['user=zoe&user=bob', 'users=zoe,bob', 'users=zoe&user=bob', 'user=zoe&user=bob&state=any', 'users=zoe,bob&state=online&state=away&state=offline'])
      assert.deepEqual((await get(`/presence?${query}${at}`)).json.people.map((p) => p.user).sort(), ['bob', 'zoe'], query + at)
  assert.equal((await server.v1('POST', '/verify?full=true', { body: {} })).status, 422)
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
