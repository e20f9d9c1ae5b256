// Reports of what really happened at a server: a room with two tabs of one person, hours, a page with the log's
// checkpoint in its foot; through the server, over --url and by HTTP alike.
import test, { after, before } from 'node:test'
import assert from 'node:assert/strict'
import { Server, run, until } from './server.mjs'

let s, last
const lines = (out) => out.trim().split('\n').filter(Boolean).map((l) => JSON.parse(l))
const get = async (path) => {
  const got = await s.v1('GET', path)
  assert.equal(got.status, 200, `${path}: ${JSON.stringify(got.json)}`)
  return got.json
}

before(async () => {
  s = await Server.start()
  const first = await s.raw(), second = await s.raw(), other = await s.raw()
  await first.subscribed('presence-room', { user_id: 'ada' })
  await second.subscribed('presence-room', { user_id: 'ada' })
  await other.subscribed('presence-room', { user_id: 'bob' })
  for (const user of ['ada', 'bob']) assert.equal((await s.v1('POST', '/login', { body: { user, session: 'desk', address: '10.0.0.1' } })).status, 200)
  const seen = async (...users) => (await s.cli('who', '--room', 'presence-room', '-o', 'ndjson', '--fields', 'user')).out.match(/ada|bob/g)?.sort().join() === users.join()
  await until(() => seen('ada', 'bob'), 'both are there')
  first.close()
  other.close()
  await until(() => seen('ada'), 'one left')
  for (const user of ['ada', 'bob']) assert.equal((await s.v1('POST', '/logout', { body: { user } })).status, 200)
  assert.equal((await s.v1('POST', '/checkpoint', { body: {} })).status, 200)
  last = (await get('/store')).events
})
after(() => s.close())

test('who was in the room how long: a second tab changes nothing, who is there is still there', async () => {
  const { attendance, rooms, visits } = await get(`/reports/attendance?until=seq:${last}`)
  assert.deepEqual([rooms, visits], [1, 2])
  assert.deepEqual(attendance.map((a) => [a.room, a.user, a.visits, 'to' in a]), [['presence-room', 'ada', 1, false], ['presence-room', 'bob', 1, true]])
  assert.ok(attendance.every((a) => a.seconds > 0 && a.unknown_s === 0))
  const sums = await get(`/reports/attendance?by=room&room=presence-room&until=seq:${last}`)
  assert.equal(sums.attendance.length, 1)
  assert.ok(Math.abs(sums.attendance[0].seconds - sums.seconds) < 1e-6)
  assert.deepEqual((await get('/reports/attendance?room=presence-nowhere')).attendance, [])
})

test('hours, sessions, heads and the week agree with each other', async () => {
  const range = `until=seq:${last}`
  const hours = await get(`/reports/presence?by=user&by=day&tz=Pacific/Chatham&${range}`)
  assert.deepEqual([...new Set(hours.presence.map((p) => p.user))].sort(), ['ada', 'bob'])
  assert.equal(hours.tz, 'Pacific/Chatham')
  const near = (a, b) => assert.ok(Math.abs(a - b) < 1e-3, `${a} and ${b}`)
  near(hours.presence.reduce((sum, p) => sum + p.online_s, 0), hours.online_s)
  const week = await get(`/reports/heatmap?${range}`)
  assert.equal(week.hours.length, 168)
  near(week.online_s, hours.online_s)
  const curve = await get(`/reports/concurrency?${range}`)
  assert.equal(curve.online_max, 2)
  near(curve.slices.reduce((sum, c) => sum + c.online_mean * (Date.parse(c.to) - Date.parse(c.from)) / 1000, 0), hours.online_s)
  const { sessions, count } = await get(`/reports/sessions?user=ada&${range}`)
  assert.equal(sessions.length, count)
  assert.ok(sessions.some((r) => r.address === '10.0.0.1' && r.cause === 'logout'))
  assert.equal((await s.v1('GET', '/reports/presence?tz=Europe/Berln')).status, 422)
  assert.equal((await s.v1('GET', '/reports/presence?by=room')).status, 422)
})

test('a page says by which checkpoint its log is signed, wherever it is made', async () => {
  const page = ['report', 'presence', '--by', 'user,day', '-U', `seq:${last}`, '-o', 'html']
  const through = await s.cli(...page), there = await run(['--url', s.url, ...page], { ROLLCALL_TOKEN: s.token })
  assert.equal(through.code, 0, through.err)
  assert.equal(there.out, through.out)
  const note = (await s.cli('checkpoint', 'show')).out
  assert.ok(through.out.includes(`<pre>${note}</pre>`), through.out.slice(-1200))
  assert.match(through.out, /covers all of them:/)
  const csv = await s.cli('report', 'presence', '-U', `seq:${last}`, '-o', 'csv')
  assert.match(csv.out, /^user,number,day,users,online_s,away_s,unknown_s,first_seen,last_seen,sessions,coverage,gaps\r\nada,/)
  assert.equal(lines((await s.cli('report', 'sessions', '-o', 'ndjson', '-U', `seq:${last}`)).out).at(-1).coverage, 'yes')
  const reads = (await s.cli('audit', 'queries', '-o', 'ndjson')).out
  for (const what of ['report presence', 'report sessions', 'report attendance', 'report concurrency', 'report heatmap']) assert.ok(reads.includes(what), what)
})
