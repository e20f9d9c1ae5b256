// Hours in minutes: connections, subscriptions, members, logins, activities, publishes, webhooks and
// streams that come and go, by a fixed number of people and things, while the server's memory is
// watched. What it holds may not depend on how long it has run.
//
//   node soak.mjs            SOAK_S seconds (default 3600), then how memory grew; exit 1 if it did
//   SOAK_RATE                turns a second (default 30; a turn is about ten operations)
//   ROLLCALL_BINARY          which server
//
// RocksDB's block cache (16 MB) fills within the first half hour, and its write buffers (16 MB) fill
// and are flushed, again and again: the first half is warming up, and of each quarter of the rest the
// least counts. SOAK_MOST_MB (6) is what it may grow by.
import http from 'node:http'
import { readFileSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { Server, until, sleep, userAuth } from '../clients/server.mjs'

const seconds = Number(process.env.SOAK_S ?? 3600)
const rate = Number(process.env.SOAK_RATE ?? 30)
const mostGrown = Number(process.env.SOAK_MOST_MB ?? 6)
const seed = Number(process.env.ROLLCALL_SEED ?? Date.now() % 1e9)
console.log(`seed ${seed}, ${seconds} s, ${rate} turns a second`)
let state = seed
const below = (n) => { state = (state * 1103515245 + 12345) % 2147483648; return Math.floor((state / 2147483648) * n) }

let taken = 0
const hook = http.createServer((req, res) => { taken++; req.resume(); req.on('end', () => res.end('{}')) })
await new Promise((done) => hook.listen(0, '127.0.0.1', done))
const server = await Server.start({
  args: ['--log', 'quiet'],
  settings: `subscription_count = true
cache_ttl = 60
sign_every = 10
snapshot_every = 20000
[[apps.webhooks]]
url = "http://127.0.0.1:${hook.address().port}/hook"
batch = true
[[apps.webhooks]]
url = "http://127.0.0.1:9/nobody"
events = ["member_added", "member_removed", "client_event"]`,
})
const pid = server.child.pid

const people = 500, rooms = 20
const person = () => `person-${below(people)}`
const alive = []
let unique = 0, done = 0, failed = 0
const count = (promise) => promise.then((r) => { done++; if (r?.status >= 500) failed++ }, () => failed++)

async function connect() {
  const c = await server.raw()
  alive.push(c)
  const who = person()
  if (below(2)) {
    const data = JSON.stringify({ id: who, watchlist: Array.from({ length: 10 }, person) })
    c.send('pusher:signin', { auth: userAuth(c.id, data), user_data: data })
  }
  c.subscribe(`presence-room-${below(rooms)}`, { user_id: who, user_info: { n: below(9) } })
  c.room = `private-room-${below(rooms)}`
  c.subscribe(c.room)
  c.subscribe(`cache-${unique++}`)  // names that nobody uses twice
  c.subscribe(`public-${unique++}`)
  c.subscribe('private-presence')
  // Only the newest messages matter here: this end must not grow either.
  c.ws.on('message', () => { if (c.messages.length > 20) c.messages.splice(1, c.messages.length - 20) })
}

function leave() {
  const [c] = alive.splice(below(alive.length), 1)
  if (!c) return
  if (below(3)) c.close()
  else c.kill()
}

function stream() {
  return new Promise((over) => {
    const req = http.get({ host: '127.0.0.1', port: server.port, path: '/v1/stream', agent: false, headers: { authorization: `Bearer ${server.token}` } },
      (res) => { res.on('data', () => {}); res.on('error', over); res.on('close', over) })
    req.on('error', over)
    setTimeout(() => req.destroy(), 500 + below(3000))
  })
}

async function turn() {
  const user = person()
  await Promise.all([
    count(connect()),
    count(server.v1('POST', '/login', { body: { user, session: `s${below(3)}` }, headers: { 'idempotency-key': `k${unique++}` } })),
    count(server.v1('POST', '/activity', { body: { user: person(), action: `action.${below(20)}`, description: `thing ${below(1000)}` } })),
    count(server.v1('GET', `/presence/${person()}`)),
    count(server.trigger(`private-room-${below(rooms)}`, 'news', { n: unique, text: 'x'.repeat(below(500)) })),
    count(server.trigger(`cache-${below(unique + 1)}`, 'news', { n: unique })),
    count(server.api('GET', '/channels', { query: { filter_by_prefix: 'presence-room-1' } })),
    count(server.request('GET', '/up')),
  ])
  const c = alive[below(alive.length)]
  if (c?.room) {
    c.send('client-hello', { n: unique }, c.room)
    c.send('pusher:unsubscribe', { channel: `cache-${below(unique)}` })
  }
  if (below(4) === 0) await count(server.v1('POST', '/logout', { body: { user } }))
  if (below(20) === 0) void stream()
  if (below(200) === 0) await count(server.v1('GET', '/timeline?user=person-1'))
  while (alive.length > 150) leave()
}

const memory = () => {
  const field = (text, name) => Number(text.match(new RegExp(`^${name}:\\s+(\\d+)`, 'm'))?.[1] ?? 0) / 1024
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
  return { rss: field(text, 'Rss'), own: field(text, 'Anonymous'),
    threads: readdirSync(`/proc/${pid}/task`).length, files: readdirSync(`/proc/${pid}/fd`).length }
}
const size = (dir) => readdirSync(dir, { withFileTypes: true }).reduce((n, e) =>
  n + (e.isDirectory() ? size(join(dir, e.name)) : statSync(join(dir, e.name), { throwIfNoEntry: false })?.size ?? 0), 0)

const samples = []
const began = Date.now()
let watching = true
const watch = (async () => {
  while (watching) {
    const m = { at: (Date.now() - began) / 1000, ...memory() }
    samples.push(m)
    if (samples.length % 6 === 1)
      console.log(`${m.at.toFixed(0).padStart(5)} s  rss ${m.rss.toFixed(1)} MB  own ${m.own.toFixed(1)} MB  threads ${m.threads}  files ${m.files}  ${done} done, ${failed} failed, webhooks ${taken}, store ${(size(server.data) / 2 ** 20).toFixed(0)} MB`)
    await until(() => !watching || (Date.now() - began) / 1000 >= m.at + 5, 'a moment', 20000)
  }
})()
while ((Date.now() - began) / 1000 < seconds) {
  const next = Date.now() + 1000 / rate
  await turn()
  await sleep(Math.max(0, next - Date.now()))
}
watching = false
await watch

const warm = seconds / 2, quarter = (seconds - warm) / 4
const least = [0, 1, 2, 3].map((i) =>
  Math.min(...samples.filter((s) => Math.min(3, Math.floor((s.at - warm) / quarter)) === i).map((s) => s.own)))
const grown = Math.max(least[2], least[3]) - Math.min(least[0], least[1])
console.log(`least memory of its own in each quarter after the first half: ${least.map((n) => n.toFixed(1)).join(' ')} MB; it grew by ${grown.toFixed(1)} MB, at most ${mostGrown} are allowed`)
for (const c of alive) c.kill()
await server.close()
hook.close()
hook.closeAllConnections()
process.exit(grown <= mostGrown && failed < done / 100 ? 0 : 1)
