// One question, two who answer: the store itself and its server must say the same, to the byte; and what the server's
// own answers look like: their members, lists, pages, and what follows what is appended.
import test, { after, before } from 'node:test'
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { ask, bearer, endAll, following, longHistory, reads, serve, start, taken, tokenFor } from './access.mjs'
import { run, scratch, until } from './server.mjs'

let server, data, last, socket
const formats = ['short', 'wide', 'json', 'ndjson', 'csv', 'cat', 'raw', 'activitylog4', 'activitylog5', 'owenit']

before(async () => {
  data = scratch()
  const here = async (...args) => { const r = await run(['-d', data, ...args]); assert.equal(r.code, 0, `${args.join(' ')}: ${r.err}`) }
  await here('login', 'ada', '--address', '10.0.0.1'); await here('login', 'bob', '--address', '10.0.0.2'); await here('login', 'zoé, "q"')
  await here('activity', 'ada', '--action', 'order.paid', '--description', 'order 2', '--properties', '{"n":[1,{"deep":"ü"}],"x":null}')
  await here('activity', 'bob', '--action', 'order.paid', '--description', '=1+1 "quoted", and\nlines')
  await here('status', 'bob', '--as', 'away', '--text', 'lunch')
  await here('--reason', 'case 1', '--ticket', 'T-1', 'audit', '-u', 'ada')
  await here('retention', 'set', 'activity', '365d'); await here('--reason', 'kept', 'hold', 'add', 'bob')
  await here('login', 'gone'); await here('activity', 'gone', '--action', 'a.b', '--description', 'was said')
  await here('--reason', 'asked', 'forget', 'gone', '--yes', '--receipt', join(scratch(), 'receipt'))
  await here('logout', 'zoé, "q"'); await here('checkpoint', 'sign'); await here('snapshot', 'create')
  server = await serve({ data, top: '[callers]\nquestions = 100\n', limits: 'commands_per_caller = 100' })
  await server.v1('POST', '/login', { body: { user: 'here' } })
  assert.equal((await server.v1('POST', '/checkpoint', { body: {} })).status, 200)
  // The store is to answer for itself, here: while the socket has another name, nobody goes through it.
  socket = join(data, 'socket')
  if (existsSync(socket)) renameSync(socket, `${socket}.hidden`)
  last = (await ask(server, 'GET', '/store')).json.events
})
after(endAll)

/**
 * There first: that read is in the log before it is answered, and a read here without a reason is not. So what depends
 * on the log's end is asked `alone`, and all else with a range that has an end.
 */
async function both(args) {
  const there = await run(['-d', data, '--url', server.url, ...args]), here = await run(['-d', data, ...args])
  // How long a check took is told, too.
  for (const side of [there, here]) if (args[0] === 'verify') side.out = side.out.replace(/\d+\.\d+ s$/gm, 'T s')
  return { args: args.join(' '), there, here, same: there.code === here.code && there.out === here.out && there.err === here.err }
}
async function compare(list, code, { alone = false } = {}) {
  const different = [], wrong = [], step = alone ? 1 : 3
  for (let i = 0; i < list.length; i += step)
    for (const b of await Promise.all(list.slice(i, i + step).map(both))) {
      if (!b.same) different.push([b.args, b.here, b.there])
      if (code !== undefined && !code.includes(b.here.code)) wrong.push([b.args, b.here.code, b.here.err])
    }
  assert.deepEqual(wrong, [], 'these ended with another code')
  assert.equal(different.length, 0, `${different.length} of ${list.length} differ: ${JSON.stringify(different.slice(0, 3), null, 1).slice(0, 4000)}`)
}

test('every reading command prints the same there and here, in every format', async () => {
  const range = ['--seq', `1..${last}`], at = ['--at', `seq:${last}`]
  const events = [['audit', ...range], ['audit', ...range, '-u', 'ada', '-r'], ['show', '4'], ['export', ...range]]
  const rows = [['who', ...at], ['state', 'ada', ...at], ['diff', '--at', 'seq:2', ...at], ['audit', 'stats', ...range], ['audit', 'queries', ...range], ['audit', 'fields'], ['store', 'gaps'], ['hold', 'list'], ['retention', 'show'], ['retention', 'plan'], ['checkpoint', 'history'], ['snapshot', 'list'], ['token', 'list'], ['witness', 'list']]
  const some = ['short', 'wide', 'json', 'ndjson', 'csv', 'raw']
  await compare([...events.flatMap((args) => formats.map((f) => [...args, '-o', f])), ...rows.flatMap((args) => some.map((f) => [...args, '-o', f]))], [0, 2])
  await compare([['last'], ['store', 'info']].flatMap((args) => some.map((f) => [...args, '-o', f])), [0, 2], { alone: true })
  await compare(events.flatMap((args) => [[...args, '-v'], [...args, '--fields', 'seq,user,action,at'], [...args, '-o', 'csv', '--fields', 'user,description']]), [0, 2])
})

test('every option of a reading command means the same there and here', async () => {
  const range = ['--seq', `1..${last}`], at = ['--at', `seq:${last}`]
  await compare([
    ['who', 'ada', 'bob', ...at], ['who', '--count', ...at], ['who', ...at, '--state', 'offline'], ['who', ...at, '--state', 'online,away', '-o', 'json'], ['who', '--number', '1', ...at], ['who', 'zoé, "q"', ...at], ['who', '--at', 'seq:1'], ['state', 'ada', '--explain', ...at], ['state', 'bob', '--explain', ...at], ['state', 'bob', ...at, '--explain', '-o', 'json'], ['state', '--number', '2', ...at, '-o', 'csv'], ['state', 'zoé, "q"', ...at, '--explain', '-o', 'ndjson'], ['diff', '--at', 'seq:3', ...at], ['diff', '--at', 'seq:1', ...at, '-u', 'ada', '-n', '1'],
    ['last', 'zoé, "q"', '-n', '1'], ['last', '--min', '1h'], ['last', '--number', '3', '-o', 'json', '--fields', 'user,length'], ['last', '--at', 'seq:6'], ['timeline', ...['-U', `seq:${last}`]], ['timeline', 'ada', '-S', 'seq:2', '-U', `seq:${last}`, '-n', '1', '-o', 'csv'], ['policy', 'show', '-o', 'ndjson'],
    ...['presence', 'sessions', 'attendance', 'concurrency', 'heatmap'].flatMap((what) => ['short', 'ndjson', 'csv', 'svg'].map((f) => ['report', what, '-U', `seq:${last}`, '--tz', 'Pacific/Chatham', '-o', f])), ['report', 'presence', '--by', 'user,day', '-u', 'ada', '-n', '1', '-o', 'json', '-U', `seq:${last}`], ['report', 'attendance', '--by', 'room,day', '--at', `seq:${last}`],
    ['audit', ...range, '-n', '3'], ['audit', ...range, '-n', '3', '-r'], ['audit', ...range, '-u', 'ada', '-u', 'bob'], ['audit', ...range, '--number', '1'], ['audit', ...range, '-e', 'login,activity'], ['audit', ...range, '--ip', '10.0.*'], ['audit', ...range, '-g', 'order [0-9]'], ['audit', ...range, 'action=order.paid'], ['audit', ...range, 'lunch'], ['audit', ...range, '--subject', 'bob'], ['audit', ...range, '--reader', 'local:root'], ['audit', ...range, '--session', '2'], ['audit', ...range, '--causer', '-u', 'ada'],
    ['audit', ...range, '-n', '2', '--show-cursor'], ['audit', '--seq', '1..3', 'nothingofthekind', '--fail-empty'], ['audit', '-U', `seq:${last}`, '-S', 'seq:3'],
    ['audit', 'stats', ...range, '--by', 'user'], ['audit', 'stats', ...range, '--by', 'ip'], ['audit', 'stats', ...range, '--by', 'action', '-n', '1'], ['audit', 'stats', ...range, '--by', 'hour'], ['audit', 'stats', ...range, '--summary'], ['audit', 'fields', 'action'], ['audit', 'queries', ...range, '--subject', 'ada'],
    ['show', '4', '--raw'], ['show', '4', '--proof'], ['show', '4', '--proof', '-o', 'json'], ['proof', '3'],
    ['export', ...range, '-u', 'ada', '--format', 'csv'], ['export', ...range, '--format', 'ndjson', 'action=order.paid'],
    ['checkpoint', 'show'], ['key', 'show'], ['witness', 'status'], ['retention', 'apply', '--dry-run'], ['snapshot', 'verify'], ['store', 'reads'],
  ])
  await compare([['audit', 'fields', 'kind'], ['last', '--open'], ['last', 'ada', '-n', '1'], ['verify', '--no-bodies'], ['verify', '--full'], ['verify', '--full', '--replay'], ['verify', '--quick', '--strict'], ['subject', 'export', 'ada'], ['subject', 'export', '--number', '2'], ['audit', '-n', '5'], ['audit', 'queries']], undefined, { alone: true })
})

test('every refusal says the same there and here, with the same code and nothing half-written', async () => {
  const refused = [
    ['who', 'nobody-such'], ['who', '--number', '99'], ['who', '--at', 'nonsense'], ['who', '--state', 'onlin'], ['who', '--at', `seq:${last}`, '--room', 'nowhere'],
    ['diff'], ['diff', '--at', 'seq:1'], ['diff', '--at', 'seq:1', '--at', 'x'], ['diff', '--at', 'seq:1', '--at', 'seq:9999999'], ['state', 'nobody-such'], ['state', 'ada', 'bob'], ['state'], ['state', 'ada', '--at', 'nonsense'], ['last', 'nobody-such'], ['last', '--min', 'x'], ['report', 'presence', '-u', 'nobody-such'], ['report', 'presence', '--tz', 'Europe/Berln'], ['report', 'presence', '--by', 'room'], ['report', 'sessions', '-S', 'seq:9', '-U', 'seq:3'], ['who', '-o', 'svg'], ['report', 'heatmap', '-o', 'raw'], ['report', 'heatmap', '-o', 'svg', '--fields', 'hour'], ['audit', '-u', 'nobody-such'], ['audit', '-u', 'nobody-such', '-o', 'json'], ['audit', '-u', 'nobody-such', '-o', 'csv'], ['audit', '-u', 'gone'], ['audit', '-g', '(?=x)'], ['audit', '-g', '('], ['audit', 'nofield=x'], ['audit', '-e', 'nokind'], ['audit', '--seq', '3..1'], ['audit', '--seq', 'x'], ['audit', '-S', 'seq:9', '-U', 'seq:3'], ['audit', '--channel', 'nowhere'], ['audit', '--cursor', 'AAAA'], ['audit', '--after-cursor', 'not a cursor'], ['audit', '-n', '-1'], ['audit', '-n', '99999999999999999999'],
    ['audit', 'stats', '--by', 'nothing'], ['audit', 'stats', '-u', 'nobody-such', '-o', 'json'], ['audit', 'fields', 'nofield'], ['audit', 'queries', '--subject', 'nobody-such', '-o', 'csv'], ['show', '99999'], ['show', '0'], ['show', 'x'], ['proof', '99999'], ['proof', '0'],
    ['export', '-u', 'nobody-such', '--format', 'csv'], ['export', '-u', 'nobody-such', '-o', 'json'], ['export', '--format', 'bundle'], ['subject', 'export', 'nobody-such'], ['subject', 'export'], ['snapshot', 'rm', '99999'], ['snapshot', 'verify', '99999'], ['snapshot', 'rm'], ['who', 'ada', '--proof', '--at', 'nonsense'],
    ['nosuch'], ['audit', '--nosuch'], ['who', '-o', 'xml'], ['last', '--fields', 'nofield'],
  ]
  await compare(refused.filter((args) => args.join(' ') !== `who --at seq:${last} --room nowhere`), [1, 2, 10], { alone: true })
  await compare([['who', '--at', `seq:${last}`, '--room', 'nowhere'], ['audit', '-u', 'ada', '-u', 'nobody-such'], ['audit', '--number', '99', '--seq', '1..3']])
  const silent = await Promise.all([['audit', '-u', 'nobody-such', '-o', 'json'], ['audit', '-u', 'nobody-such', '-o', 'csv'], ['export', '-u', 'nobody-such', '--format', 'csv']].map(both))
  for (const b of silent) assert.deepEqual([b.here.out, b.there.out], ['', ''], b.args)
})

test('a store that is served answers through its server, and as it would by itself', async () => {
  const range = ['--seq', `1..${last}`]
  const alone = [], through = []
  const list = [['audit', ...range, '-o', 'ndjson'], ['audit', 'stats', ...range, '--by', 'user'], ['who', '--at', `seq:${last}`, '-o', 'json', '--fields', 'user,state,since,sessions'], ['policy', 'show', '-o', 'json'], ['timeline', '-U', `seq:${last}`, '-o', 'csv', '--fields', 'seq,at,user,from,to,cause'], ['show', '4'], ['proof', '3'], ['audit', '-u', 'nobody-such'], ['show', 'x'], ['checkpoint', 'show'], ['export', ...range, '-o', 'csv']]
  for (const args of list) alone.push(await run(['-d', data, ...args]))
  assert.ok(existsSync(`${socket}.hidden`), 'the server has a socket')
  renameSync(`${socket}.hidden`, socket)
  try {
    const before = (await ask(server, 'GET', '/store')).json.events
    for (const args of list) through.push(await run(['-d', data, ...args]))
    assert.ok((await ask(server, 'GET', '/store')).json.events > before, 'these are logged as reads')
  } finally {
    renameSync(socket, `${socket}.hidden`)
  }
  assert.deepEqual(through, alone)
})

test('what a reading command writes is the same file, wherever the answer came from', async () => {
  const dir = scratch(), range = ['--seq', `1..${last}`]
  const files = (at) => Object.fromEntries(readdirSync(at, { recursive: true, withFileTypes: true }).filter((e) => e.isFile()).map((e) => [join(e.path, e.name).slice(at.length), readFileSync(join(e.path, e.name)).toString('base64')]))
  const where = { here: ['-d', data], there: ['-d', data, '--url', server.url] }
  const write = async (side, args, out) => {
    const got = await run([...where[side], ...args, out])
    assert.equal(got.code, 0, `${side} ${args.join(' ')}: ${got.err}`)
    return { out: got.out.replaceAll(out, 'OUT'), err: got.err.replaceAll(out, 'OUT') }
  }
  for (const [i, args] of [['export', ...range, '-u', 'ada', '--format', 'bundle', '-O'], ['export', ...range, '--format', 'bundle', '--complete', 'headers', '-O'], ['who', 'ada', '--at', 'seq:8', '--proof', '-O'], ['tiles', 'export']].entries()) {
    const there = join(dir, `there-${i}`), here = join(dir, `here-${i}`)
    assert.deepEqual(await write('there', args, there), await write('here', args, here), args.join(' '))
    assert.deepEqual(files(there), files(here), args.join(' '))
    assert.ok(Object.keys(files(here)).length > 1)
    if (args[0] !== 'tiles') assert.match((await run(['verify', 'bundle', there])).out, /VERIFIED/)
  }
  for (const [i, args] of [['export', ...range, '--format', 'csv', '-O'], ['proof', '3', '-O'], ['export', ...range, '-u', 'bob', '--format', 'bundle', '-O']].entries()) {
    const there = join(dir, `there-${i}.tar`), here = join(dir, `here-${i}.tar`)
    assert.deepEqual(await write('there', args, there), await write('here', args, here), args.join(' '))
    assert.ok(readFileSync(there).equals(readFileSync(here)), args.join(' '))
  }
  // Cursors kept in a file go on where they stood, on either side.
  const [there, here] = [join(dir, 'cursor-there'), join(dir, 'cursor-here')]
  for (let page = 0; page < 3; page++) {
    const a = await run([...where.there, 'audit', ...range, '-n', '4', '--cursor-file', there]), b = await run([...where.here, 'audit', ...range, '-n', '4', '--cursor-file', here])
    assert.deepEqual([a.code, a.out], [b.code, b.out], `page ${page}`)
    assert.equal(readFileSync(there, 'utf8'), readFileSync(here, 'utf8'))
  }
  // Backups are folders of the machine that answers.
  const backups = join(dir, 'backups')
  mkdirSync(backups)
  assert.equal((await run([...where.there, 'backup', 'create', backups, '--name', 'one'])).code, 0)
  await compare([['backup', 'list', backups], ['backup', 'list', backups, '-o', 'json'], ['backup', 'verify', join(backups, 'one')], ['backup', 'prune', backups, '--keep', '1', '--dry-run']], [0])
})

test('a long answer arrives whole: lines, and files that are longer than what may wait for a client', async () => {
  const s = await serve({ data: await longHistory(15_000) }), dir = scratch(), range = ['--seq', '1..15000']
  assert.equal((await s.v1('POST', '/checkpoint', { body: {} })).status, 200)
  const asked = ['bundle', 'ndjson'].map((format) => ['export', ...range, '--format', format, '-O'])
  const write = async (side, answered) => { // the files' names
    const files = []
    for (const args of asked) {
      files.push(join(dir, `${args[4]}-${side}.tar`))
      const got = await answered(...args, files.at(-1))
      assert.equal(got.code, 0, got.err)
    }
    return files
  }
  const there = await write('there', (...args) => s.cli('--url', s.url, ...args))
  const whole = await ask(s, 'GET', '/events?limit=70000')
  assert.equal(whole.json.events.length, whole.json.upto)
  const subject = await ask(s, 'POST', '/subjects/export', { body: { user: 'u1' }, lines: true })
  assert.ok(subject.end.events.length >= 1500, subject.text.slice(0, 300))
  const here = await write('here', (...args) => s.byItself(...args))
  for (const [i, file] of there.entries()) {
    assert.ok(readFileSync(file).length > 4 << 20)
    assert.ok(readFileSync(file).equals(readFileSync(here[i])), asked[i].join(' '))
  }
  await s.close()
})

// -- the server's own answers --

/** What does not fit the schema, each with its place. */
function misfits(schema, value, at = '') {
  const of = { object: (v) => typeof v === 'object' && v !== null && !Array.isArray(v), array: Array.isArray, string: (v) => typeof v === 'string', boolean: (v) => typeof v === 'boolean', integer: Number.isInteger, number: (v) => typeof v === 'number' }
  if (schema.type && !of[schema.type](value)) return [`${at} is no ${schema.type}: ${JSON.stringify(value)}`]
  if (schema.format === 'date-time' && !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(value)) return [`${at} is no time: ${value}`]
  if (schema.type === 'array') return value.flatMap((v, i) => misfits(schema.items ?? {}, v, `${at}[${i}]`))
  if (schema.type !== 'object' || !schema.properties) return []
  return [...(schema.required ?? []).filter((name) => !(name in value)).map((name) => `${at}.${name} is missing`),
    ...Object.entries(value).flatMap(([name, v]) => (name in schema.properties ? misfits(schema.properties[name], v, `${at}.${name}`) : [`${at}.${name} is in no schema`]))]
}

test('an answer has the members that /openapi.json says, and no other', async () => {
  const { paths } = (await server.request('GET', '/openapi.json')).json
  const backups = scratch()
  const asked = {
    'get /v1/presence': ['?at=now&state=any&detail=true'], 'post /v1/presence/proof': ['', { user: ['ada'], at: 'seq:8' }], 'get /v1/state': ['?user=ada&explain=true'], 'get /v1/diff': ['?at=seq:2&at=seq:9'], 'get /v1/sessions': [''], 'get /v1/events': ['?limit=1000'], 'get /v1/events/{seq}': ['?proof=true'], 'get /v1/events/{seq}/proof': [''], 'get /v1/stats': ['?by=user'], 'get /v1/fields': ['?field=action'], 'get /v1/queries': [''], 'get /v1/timeline': ['?user=bob&from=-1d'], 'get /v1/concurrency': ['?slices=3'], 'get /v1/transitions': ['?user=ada'], 'get /v1/policy': [''], 'get /v1/replay': ['?user=ada'], 'get /v1/whatif': ['?set=idle_after%3D120s&set=ttl%3Doff&at=seq:9'],
    'get /v1/reports/presence': ['?by=user&by=day&tz=Pacific/Chatham'], 'get /v1/reports/sessions': ['?user=ada'], 'get /v1/reports/attendance': ['?by=room'], 'get /v1/reports/concurrency': ['?by=day'], 'get /v1/reports/heatmap': ['?tz=Asia/Kolkata'],
    'post /v1/export': ['', { user: ['ada'] }], 'post /v1/subjects/{user}/export': ['', {}], 'post /v1/subjects/export': ['', { number: 2 }], 'post /v1/verify': ['', { full: true, replay: true }], 'get /v1/store': [''], 'get /v1/root': ['?size=4'], 'get /v1/gaps': [''], 'get /v1/checkpoints': [''], 'get /v1/keys': [''], 'get /v1/holds': [''], 'get /v1/retention': [''], 'get /v1/retention/plan': [''], 'get /v1/witnesses': [''], 'get /v1/tiles': [''], 'get /v1/snapshots': [''], 'post /v1/snapshots': ['', {}], 'post /v1/snapshots/verify': ['', {}], 'post /v1/snapshots/remove': ['', { all: true }],
    'post /v1/backups': ['', { folder: backups, name: 'one' }], 'get /v1/backups': [`?folder=${backups}`], 'post /v1/backups/verify': ['', { folder: join(backups, 'one') }], 'post /v1/backups/prune': ['', { folder: backups, keep: 1, dry_run: true }], 'get /v1/tokens': [''] }
  const questions = Object.entries(paths).flatMap(([path, item]) => Object.entries(item).filter(([, o]) => /a line a row/.test(o.responses['200'].description)).map(([method]) => `${method} ${path}`))
  assert.deepEqual(questions.filter((name) => !(name in asked)), [], 'each question is asked here')
  const wrong = []
  for (const [name, [query, body]] of Object.entries(asked)) {
    const [method, path] = name.split(' ')
    const got = await ask(server, method.toUpperCase(), path.slice(3).replace('{seq}', '4').replace('{user}', 'ada') + query, { body })
    assert.equal(got.status, 200, `${name}: ${got.text}`)
    const { required } = paths[path][method].responses['200'].content['application/json'].schema
    assert.deepEqual([...new Set(required)], required ?? [], `${name} says no member twice`)
    // The state now and at a moment share a path; the description is of the state now.
    if (name === 'get /v1/presence') continue
    const schema = paths[path][method].responses['200'].content['application/json'].schema
    wrong.push(...misfits(schema, got.json, name))
    if (name === 'get /v1/tokens' || (/snapshots\/remove|backups$|prune/.test(name) && method === 'post')) continue // no question; done once
    // In lines: the rows as in the object, and the rest of it at the end.
    const lines = await ask(server, method.toUpperCase(), path.slice(3).replace('{seq}', '4').replace('{user}', 'ada') + query, { body, lines: true })
    assert.ok(lines.ok, `${name}: ${lines.text.slice(0, 300)}`)
    const rows = Object.keys(schema.properties).find((member) => Array.isArray(got.json[member]) && !(member in lines.end))
    assert.ok(rows || lines.rows.length === 0, `${name}: its rows have a member to be in`)
    for (const row of lines.rows) wrong.push(...misfits(schema.properties[rows].items, row, `${name} in lines`))
    wrong.push(...misfits(schema, rows ? { ...lines.end, [rows]: lines.rows } : lines.end, `${name} in lines`))
  }
  assert.deepEqual(wrong, [])
})

test('a store and a server are compared from either side, and part where their events do', async () => {
  const other = scratch()
  for (const user of ['ada', 'cyd']) assert.equal((await run(['-d', other, 'login', user])).code, 0)
  const token = { ROLLCALL_TOKEN: server.token }
  const here = await run(['-d', other, 'replay', '--against', server.url], token)
  const there = await run(['-d', other, '--url', server.url, 'replay', '--against', other], token)
  for (const [name, r, mine] of [['here', here, 'history'], ['there', there, other]]) {
    assert.equal(r.code, 22, `${name}: ${r.err}`)
    const seq = Number(/^DIVERGED   seq (\d+)$/m.exec(r.err)?.[1])
    assert.equal(seq, 1, r.err)
    assert.match(r.err, new RegExp(`^${mine} +says +#1 `, 'm'))
  }
  assert.match(here.err, new RegExp(`^${server.url} says +#1 `, 'm'))
  // A log is no other than itself, however long it is by now.
  const same = await run(['-d', data, 'replay', '--against', server.url], token)
  assert.equal(same.code, 0, same.err)
  assert.match(same.err, /events are the same|is the beginning of/)
  const refused = await run(['-d', other, 'replay', '--against', server.url], { ROLLCALL_TOKEN: 'rc_wrong' })
  assert.equal(refused.code, 6, refused.err)
  const nowhere = await run(['-d', other, 'replay', '--against', 'http://127.0.0.1:1'], token)
  assert.equal(nowhere.code, 1, nowhere.err)
})

test('a list is given as often as there are values; all else once; what nothing heeds is 422', async () => {
  const events = async (query) => (await ask(server, 'GET', `/events?seq=1..${last}&limit=1000&${query}`)).json.events
  const users = async (query) => [...new Set((await events(query)).map((e) => e.user))].sort()
  assert.deepEqual(await users('event=login&user=ada&user=bob'), ['ada', 'bob'])
  assert.deepEqual(await users('event=login&number=1&number=2'), ['ada', 'bob'])
  assert.deepEqual([...new Set((await events('event=login&event=activity&user=ada')).map((e) => e.kind))].sort(), ['activity', 'login'])
  assert.deepEqual(await users('event=login&user=ada&user=ada'), ['ada'])
  assert.deepEqual((await events('match=action%3Dorder.paid&match=2')).map((e) => e.user), ['ada'], 'all that is given to match must')
  const states = async (query) => (await ask(server, 'GET', `/presence?at=seq:${last}&${query}`)).json.people.map((p) => p.state)
  assert.deepEqual([...new Set(await states('state=away&state=offline'))].sort(), ['away', 'offline'])
  for (const [path, what] of [['/events?limit=1&limit=2', /'limit' is given twice/], ['/events?nosuch=1', /'nosuch'.*there are user, number/], ['/events?seq=1..2&grep=', /grep/], ['/sessions?open=perhaps', /open is not true or false/], ['/events?limit=x', /limit is not a whole number/], ['/events?number=-1', /number.* whole number/], ['/events?limit=18446744073709551616', /range/], ['/store?x=1', /there are none here/], ['/events?follow=true', /x-ndjson/], ['/events?follow=perhaps', /follow is not true or false/], ['/events/x', /seq/], ['/timeline', /user is missing/], ['/events?seq=3..1', /ends before it begins/], ['/presence?at=never', /at/]]) {
    const got = await ask(server, 'GET', path)
    assert.equal(got.status, 422, `${path}: ${got.text}`)
    assert.match(got.detail, what, path)
  }
  for (const [path, body, what] of [['/export', { nosuch: 1 }, /no field 'nosuch'/], ['/export', { user: 'ada' }, /user is not a list/], ['/verify', { full: 'perhaps' }, /full/], ['/subjects/export', {}, /user|number/], ['/subjects/export', { user: 'ada', number: 1 }, /user|number/], ['/snapshots/remove', {}, /seq|all/], ['/backups', {}, /folder is missing/], ['/presence/proof', { user: ['ada', 'bob'] }, /one/]]) {
    const got = await ask(server, 'POST', path, { body })
    assert.equal(got.status, 422, `${path}: ${got.text}`)
    assert.match(got.detail, what, path)
  }
  for (const body of ['[]', '"x"', '{', 'null', '{"full":true} x'])
    assert.equal((await server.request('POST', '/v1/verify', { body, headers: bearer(server.token) })).status, 400, body)
  const gone = await ask(server, 'POST', '/command', { body: { arguments: ['who'] } })
  assert.equal(gone.status, 410)
  assert.match(gone.detail, /GET \/v1\/events/)
})

test('pages over HTTP: each event once, in order, to the end; a limit is a limit', async () => {
  const seqs = (got) => got.json.events.map((e) => e.seq)
  const all = Array.from({ length: last }, (_, i) => i + 1)
  const range = `seq=1..${last}`
  assert.deepEqual(seqs(await ask(server, 'GET', `/events?${range}&limit=1000`)), all)
  assert.deepEqual(seqs(await ask(server, 'GET', `/events?${range}&limit=4`)), all.slice(-4), 'the newest, in order')
  assert.deepEqual(seqs(await ask(server, 'GET', `/events?${range}&limit=4&reverse=true`)), all.slice(-4).reverse())
  assert.ok((await ask(server, 'GET', '/events')).json.events.length <= 100)
  for (const [query, expected] of [['after=0', all], ['reverse=true', [...all].reverse()]]) {
    const found = []
    let page = await ask(server, 'GET', `/events?${range}&limit=5&${query}`)
    for (let i = 0; i < 100 && page.json.events.length > 0; i++) {
      assert.ok(page.json.events.length <= 5)
      found.push(...seqs(page))
      page = await ask(server, 'GET', `/events?${range}&limit=5${query.startsWith('reverse') ? '&reverse=true' : ''}&after_cursor=${page.json.cursor}`)
      assert.equal(page.status, 200, page.text)
    }
    assert.deepEqual(found, expected, query)
  }
  const first = await ask(server, 'GET', `/events?${range}&limit=5&after=0`)
  const again = await ask(server, 'GET', `/events?${range}&limit=1&cursor=${first.json.cursor}`)
  assert.deepEqual(seqs(again), [5], 'a cursor itself is where it points')
  for (const cursor of ['AAAA', 'x', `${first.json.cursor}A`, first.json.cursor.replace(/^./, (c) => (c === 'A' ? 'B' : 'A'))])
    for (const lines of [false, true]) {
      const got = await ask(server, 'GET', `/events?after_cursor=${cursor}`, { lines })
      assert.deepEqual([got.ok, /^cursor/.test(got.code)], [false, true], `${cursor}: ${got.text.slice(0, 200)}`)
    }
  // The same in lines, page by page.
  let cursor = '', events = 0
  for (let i = 0; i < 100; i++) {
    const got = await ask(server, 'GET', `/events?${range}&limit=5${cursor ? `&after_cursor=${cursor}` : '&after=0'}`, { lines: true })
    assert.ok(got.ok, got.text)
    assert.equal(got.rows.length, got.end.count)
    if (got.rows.length === 0) break
    events += got.rows.length
    cursor = got.end.cursor
  }
  assert.equal(events, last)
})

test('follow=true tells what is appended, each event once, as one read, and ends with its token', async () => {
  const token = await tokenFor(server, 'follower', ['audit:read'])
  const mine = async () => (await reads(server)).filter((r) => r.by === 'token:follower')
  const follow = following(server, token, '&event=login&limit=1')
  await until(() => follow.said.includes('"end"'), 'what was there')
  assert.equal(taken(follow.said).rows.length, 1, 'the newest of those before')
  const names = Array.from({ length: 25 }, (_, i) => `new-${i}`)
  for (const [i, user] of names.entries()) {
    await server.v1('POST', '/login', { body: { user } })
    if (i % 8 === 0) await until(() => follow.said.includes(`"${user}"`), `${user} is told`)
  }
  await until(() => follow.said.includes('"new-24"'), 'the last is told')
  const { rows, ends, error } = taken(follow.said)
  assert.deepEqual(rows.slice(1).map((r) => r.user), names)
  assert.equal(error, undefined)
  assert.ok(ends.every((end, i) => i === 0 || (end.upto > ends[i - 1].upto && end.from > ends[i - 1].upto)), 'no event is looked at twice')
  assert.equal((await mine()).length, 1, 'all of it is one read')
  // The command line does the same.
  const cli = start(['--url', server.url, 'audit', '-f', '-n', '1', '-e', 'login', '-o', 'ndjson'], { ROLLCALL_TOKEN: token })
  await until(() => cli.out.includes('"new-24"'), 'it follows')
  await server.v1('POST', '/login', { body: { user: 'told-to-both' } })
  await until(() => cli.out.includes('told-to-both') && follow.said.includes('told-to-both'), 'both are told')
  assert.deepEqual(cli.out.trim().split('\n').map((l) => JSON.parse(l).user), ['new-24', 'told-to-both'])
  assert.equal((await mine()).length, 2)
  assert.equal((await run(['-d', data, 'token', 'revoke', 'follower'])).code, 0)
  await until(() => follow.over && cli.ended, 'both end with the token', 2500)
  cli.child.kill('SIGKILL')
})
