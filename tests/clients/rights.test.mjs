// Who may ask which question, and where a reason is asked for: every question there is, as the server itself lists
// them, by every kind of caller, as one object and in lines.
import test, { after, before } from 'node:test'
import assert from 'node:assert/strict'
import { ask, bearer, endAll, reads, serve, tokenFor } from './access.mjs'
import { scratch } from './server.mjs'
import { jwt, jwtSettings } from './wire.mjs'

let server, questions
const folder = scratch()
/** Each question as it may be asked: the query or the body that makes sense, and whether it tells of people. */
const asked = {
  'GET /presence': ['?at=now', , true], 'POST /presence/proof': ['', { user: ['ada'] }, true], 'GET /state': ['?user=ada&explain=true', , true], 'GET /diff': ['?at=seq:1&at=seq:2', , true], 'GET /sessions': ['', , true], 'GET /events': ['', , true], 'GET /events/{seq}': ['', , true], 'GET /events/{seq}/proof': [''], 'GET /stats': ['', , true], 'GET /fields': ['', , true], 'GET /queries': ['', , true], 'GET /timeline': ['?user=ada', , true], 'GET /concurrency': ['?slices=2', , true], 'GET /transitions': ['', , true], 'GET /policy': [''], 'GET /replay': ['', , true], 'GET /whatif': ['', , true], 'GET /reports/presence': ['?by=user&by=day', , true], 'GET /reports/sessions': ['', , true], 'GET /reports/attendance': ['', , true], 'GET /reports/concurrency': ['', , true], 'GET /reports/heatmap': ['', , true],
  'POST /export': ['', { user: ['ada'] }, true], 'POST /subjects/{user}/export': ['', {}, true], 'POST /subjects/export': ['', { user: 'ada' }, true], 'POST /verify': ['', {}], 'GET /store': [''], 'GET /root': ['?size=2'], 'GET /gaps': [''], 'GET /checkpoints': [''], 'GET /keys': [''], 'GET /holds': [''], 'GET /retention': [''], 'GET /retention/plan': [''], 'GET /witnesses': [''], 'GET /tiles': [''],
  'GET /snapshots': [''], 'POST /snapshots': ['', {}], 'POST /snapshots/verify': ['', {}], 'POST /snapshots/remove': ['', { all: true }], 'GET /backups': [`?folder=${encodeURIComponent(folder)}`], 'POST /backups': ['', { folder, name: 'one' }], 'POST /backups/verify': ['', { folder: `${folder}/one` }], 'POST /backups/prune': ['', { folder, keep: 1 }] }
const pathOf = (name) => name.split(' ')[1].replace('{seq}', '2').replace('{user}', 'ada')

before(async () => {
  server = await serve({ settings: jwtSettings })
  for (const user of ['ada', 'bob']) await server.v1('POST', '/login', { body: { user } })
  assert.equal((await server.v1('POST', '/checkpoint', { body: {} })).status, 200)
  const { paths } = (await server.request('GET', '/openapi.json')).json
  questions = Object.entries(paths).flatMap(([path, item]) => Object.entries(item)
    .filter(([method, o]) => /a line a row/.test(o.responses['200'].description) || `${method} ${path}` === 'get /v1/presence')
    .map(([method, o]) => ({ name: `${method.toUpperCase()} ${path.slice(3)}`, scope: o.security[0].bearer[0] })))
  // The past of GET /v1/presence needs more than what is so now, and so does somebody else's timeline or state.
  for (const q of questions) if (['GET /presence', 'GET /timeline', 'GET /state'].includes(q.name)) q.scope = 'audit:read'
})
after(endAll)

test('each question is for who has its scope, and for nobody else', async () => {
  assert.deepEqual(questions.map((q) => q.name).filter((name) => !(name in asked)), [], 'each question is asked here')
  const covers = (has, wanted) => has === wanted || has === 'server:admin' || (has === 'admin' && wanted !== 'server:admin')
  const tokens = { nobody: null, wrong: 'rc_wrong', person: jwt('ada') }
  for (const scope of ['presence:read', 'events:write', 'audit:read', 'admin', 'server:admin']) tokens[scope] = await tokenFor(server, `has-${scope.replace(':', '-')}`, [scope])
  const wrong = []
  for (const [who, token] of Object.entries(tokens))
    for (const { name, scope } of questions)
      for (const lines of [false, true]) {
        const method = name.split(' ')[0]
        const [query, body] = asked[name]
        const may = covers(who, scope) || (who === 'person' && ['GET /timeline', 'GET /state'].includes(name))
        // Who may is told what is wrong with what he asks, and nothing happens.
        const path = pathOf(name) + query + (may && method === 'GET' ? `${query ? '&' : '?'}nosuch=1` : '')
        const got = await ask(server, method, path, { token, lines, body: body && may ? { ...body, nosuch: 1 } : body })
        const expected = token === null || who === 'wrong' ? 401 : may ? 422 : 403
        if (got.status !== expected) wrong.push([who, name, lines, got.status, got.detail])
        if (expected !== 422 && /ada|bob/.test(got.text)) wrong.push([who, name, 'tells'])
      }
  assert.deepEqual(wrong, [])
  const mine = (await reads(server)).filter((r) => /has-|jwt:/.test(r.by))
  assert.deepEqual(mine, [], 'what was not answered is no read')
})

test('a person reads the own timeline and state, which is no read of anybody; and nobody else’s', async () => {
  for (const lines of [false, true]) {
    const own = await ask(server, 'GET', '/timeline?user=ada', { token: jwt('ada'), lines })
    assert.ok(own.ok, own.text)
    assert.equal((lines ? own.end : own.json).user, 'ada')
    for (const user of ['bob', 'nobody-such']) {
      const other = await ask(server, 'GET', `/timeline?user=${user}`, { token: jwt('ada'), lines })
      assert.deepEqual([other.status, other.code], [403, 'not-permitted'], user)
    }
  }
  // The same of a state: by name alone, for a number may be anybody's.
  const state = await ask(server, 'GET', '/state?user=ada&explain=true', { token: jwt('ada') })
  assert.deepEqual([state.status, state.json?.user, state.json?.why.length > 0], [200, 'ada', true], state.text)
  for (const query of ['user=bob', 'user=nobody-such', 'number=1', 'number=2']) {
    const other = await ask(server, 'GET', `/state?${query}&explain=true`, { token: jwt('ada') })
    assert.deepEqual([other.status, other.code], [403, 'not-permitted'], query)
  }
  for (const query of ['user=ada&user=bob', 'user=ada&number=2'])
    assert.equal((await ask(server, 'GET', `/state?${query}`, { token: jwt('ada') })).status, 422, query)
  assert.ok(!(await reads(server)).some((r) => r.by.includes('ada')))
})

test('where the store asks for a reason, what tells of people needs one, and is logged with it', async () => {
  const token = await tokenFor(server, 'everything', ['server:admin'])
  assert.equal((await server.v1('POST', '/reads', { body: { need_reason: true } })).status, 200)
  const headers = { 'rollcall-reason': encodeURIComponent('Fall Nr. 8 – Prüfung'), 'rollcall-ticket': 'DP-8' }
  const wrong = []
  for (const { name } of questions) {
    const [method] = name.split(' ')
    const [query, body, ofPeople = false] = asked[name]
    for (const lines of [false, true]) {
      if (method === 'POST' && /backups$|prune|remove/.test(name) && lines) continue // done once
      const without = await ask(server, method, pathOf(name) + query, { token, body, lines })
      if (ofPeople ? without.status !== 409 || without.code !== 'refused' || /ada|bob/.test(without.text) : !without.ok) wrong.push([name, lines, 'without', without.status, without.detail])
      if (!ofPeople) continue
      const given = await ask(server, method, pathOf(name) + query, { token, body, lines, headers })
      if (!given.ok) wrong.push([name, lines, 'with', given.status, given.detail])
    }
  }
  assert.deepEqual(wrong, [])
  // All that is asked is logged; what tells of people with its reason.
  const people = ['who', 'who --proof', 'state', 'diff', 'last', 'audit', 'show', 'audit stats', 'audit fields', 'audit queries', 'timeline', 'concurrency', 'export', 'subject export']
  const listed = (await ask(server, 'GET', '/queries', { token, headers })).json.queries.filter((q) => q.reader === 'token:everything').map((q) => ({ ...q, asks: q.what.split(/ \w+=/)[0] }))
  for (const what of people) assert.ok(listed.some((q) => q.asks === what), `${what} is in the log of reads: ${listed.map((q) => q.what)}`)
  assert.deepEqual(listed.filter((q) => people.includes(q.asks) && (q.reason !== 'Fall Nr. 8 – Prüfung' || q.ticket !== 'DP-8')), [], 'each with its reason')
  // One's own needs none.
  assert.equal((await ask(server, 'GET', '/timeline?user=ada', { token: jwt('ada') })).status, 200)
  assert.equal((await server.request('GET', '/v1/presence', { headers: bearer(token) })).status, 200, 'nor what is so now')
})
