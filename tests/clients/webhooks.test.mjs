// Webhooks whose other side hangs, stalls, fails or cannot be found: what is repeated, what is in
// the log, and that nobody waits for them.
import test from 'node:test'
import assert from 'node:assert/strict'
import http from 'node:http'
import net from 'node:net'
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Server, scratch, until } from './server.mjs'

/** A hook: `answer` says what becomes of a request (its number in order). */
async function hook(answer = () => 200) {
  const got = []
  const server = http.createServer((req, res) => {
    const chunks = []
    req.on('data', (d) => chunks.push(d))
    req.on('end', () => {
      const body = Buffer.concat(chunks).toString()
      got.push({ headers: req.rawHeaders, body, events: JSON.parse(body).events })
      const status = answer(got.length)
      if (status === 0) return  // never
      res.statusCode = status
      res.end('{}')
    })
  })
  await new Promise((done) => server.listen(0, '127.0.0.1', done))
  return { got, url: `http://127.0.0.1:${server.address().port}/hook?secret=in-the-query`,
    close() { server.close(); server.closeAllConnections() } }
}
/** Something that takes connections and says no more than this. */
async function mute(words) {
  const sockets = []
  const server = net.createServer((socket) => { sockets.push(socket); socket.on('error', () => {}); if (words) socket.once('data', () => socket.write(words)) })
  await new Promise((done) => server.listen(0, '127.0.0.1', done))
  return { sockets, url: `http://127.0.0.1:${server.address().port}/`, close() { server.close(); for (const s of sockets) s.destroy() } }
}
const settings = (...hooks) => hooks.map(([url, more = '']) => `[[apps.webhooks]]\nurl = "${url}"\n${more}`).join('\n')
const names = (h) => h.got.flatMap((r) => r.events).map((e) => `${e.name} ${e.channel} ${e.user_id ?? ''}`)

/** A library that looks up names that end in .slow for ever, as a name server that is gone does. */
function slowNames() {
  const dir = scratch()
  writeFileSync(join(dir, 'slow.c'), `#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <string.h>
#include <unistd.h>
int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **out) {
  if (name && strlen(name) > 5 && !strcmp(name + strlen(name) - 5, ".slow")) { sleep(600); return EAI_AGAIN; }
  int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **) = dlsym(RTLD_NEXT, "getaddrinfo");
  return real(name, service, hints, out);
}`)
  execFileSync('cc', ['-shared', '-fPIC', '-o', join(dir, 'slow.so'), join(dir, 'slow.c'), '-ldl'])
  return join(dir, 'slow.so')
}

for (const signal of ['SIGTERM', 'SIGUSR2'])
  test(`hooks that never answer, stall, or cannot be found delay no other hook, and not the end by ${signal}`, { timeout: 60000 }, async () => {
    const good = await hook(), never = await mute(), stalls = await mute('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"half"')
    const s = await Server.start({
      env: process.env.ROLLCALL_SANITIZED ? {} : { LD_PRELOAD: slowNames() },
      settings: settings([never.url], [stalls.url], ['http://gone.slow/hook'], [good.url]),
    })
    const a = await s.raw()
    await a.subscribed('presence-hang', { user_id: 'ada' })
    await until(() => names(good).includes('member_added presence-hang ada') && never.sockets.length && stalls.sockets.length, 'the good hook', 3000)
    const begun = Date.now()
    if (signal === 'SIGTERM') {
      await s.stop()
    } else {
      s.out = ''
      s.child.kill(signal)
      await until(() => s.out.includes('listening on'), 'the program that follows', 20000)
    }
    const took = Date.now() - begun
    if (signal === 'SIGUSR2') { const before = Date.now(); await s.stop(); assert.ok(Date.now() - before < 4000) }
    assert.ok(took < 4000, `it took ${took} ms`)  // 300 ms of drain, and the closing of a store on a busy machine
    for (const h of [good, never, stalls]) h.close()
  })

test('a repeated request has the same bytes: body, time and signature, of what the log holds and of what memory holds', async () => {
  const h = await hook((n) => (n <= 3 ? 503 : 200))
  const s = await Server.start({ settings: settings([h.url, 'events = ["member_added", "client_event"]']) })
  const a = await s.raw(), b = await s.raw()
  await a.subscribed('presence-again', { user_id: 'ada' })
  await until(() => h.got.length > 0, 'a first attempt')
  await b.subscribed('presence-again', { user_id: 'bob' })
  a.send('client-hi', { n: 1 }, 'presence-again')
  const wanted = ['member_added presence-again ada', 'member_added presence-again bob', 'client_event presence-again ada']
  await until(() => wanted.every((w) => h.got.some((r, i) => i >= 3 && names({ got: [r] }).includes(w))), 'all of them', 20000)
  for (const w of wanted) {
    const attempts = h.got.filter((r) => names({ got: [r] }).includes(w))
    for (const r of attempts) {
      assert.equal(r.body, attempts[0].body)
      assert.deepEqual(r.headers, attempts[0].headers)
    }
  }
  assert.ok(h.got.filter((r) => r.body === h.got[0].body).length > 1, 'something was repeated')
  const added = JSON.parse(h.got[0].body)
  const joined = JSON.parse((await s.cli('audit', '-e', 'joined', '-o', 'ndjson')).out.split('\n')[0])
  assert.equal(added.time_ms, Math.floor(Date.parse(joined.at)), 'the time is that of the event in the log')
  await s.close(); h.close()
})

test('what waits to be undone costs the server no time', async () => {
  const h = await hook()
  const s = await Server.start({ settings: settings([h.url]) })
  const cpu = () => {  // clock ticks of user and system, proc(5)
    const fields = readFileSync(`/proc/${s.child.pid}/stat`, 'utf8').split(') ')[1].split(' ')
    return Number(fields[11]) + Number(fields[12])
  }
  const c = await s.raw()
  c.subscribe('fleeting')
  await until(() => names(h).some((n) => n.startsWith('channel_occupied')), 'the first event')
  const before = cpu()
  c.send('pusher:unsubscribe', { channel: 'fleeting' })  // told only after three seconds
  await until(() => names(h).some((n) => n.startsWith('channel_vacated')), 'the second event', 10000)
  const ticks = cpu() - before
  assert.ok(ticks < 100, `${ticks} hundredths of a second of the processor in three seconds of waiting`)
  c.close()
  await s.close()
  h.close()
})

test('the first failure and the recovery are in the log: where to, why, how long; no secret, no path', async () => {
  const h = await hook((n) => (n <= 2 ? 500 : 200))
  const s = await Server.start({ settings: settings([h.url.replace('http://', 'http://user:pass-word@')]) })
  const a = await s.raw()
  await a.subscribed('presence-log', { user_id: 'ada' })
  await until(() => /takes events again/.test(s.log), 'the recovery', 20000)
  const port = new URL(h.url).port
  assert.equal(s.log.match(/takes no events/g).length, 1, s.log)
  assert.match(s.log, new RegExp(`warning app main: the webhook http://127\\.0\\.0\\.1:${port} takes no events: it answered 500`))
  assert.match(s.log, new RegExp(`info app main: the webhook http://127\\.0\\.0\\.1:${port} takes events again`))
  assert.doesNotMatch(s.log, /pass-word|in-the-query|ada/)
  await s.close(); h.close()
})

test('after kill -9 a batch that was begun comes again as it was, and everything after it', async () => {
  let up = false
  const h = await hook(() => (up ? 200 : 0))
  const s = await Server.start({ settings: settings([h.url, 'events = ["member_added"]\nbatch = true']) })
  const first = await Promise.all([1, 2, 3].map(() => s.raw()))
  await Promise.all(first.map((c, i) => c.subscribed('presence-kill', { user_id: `early-${i}` })))
  await until(() => h.got.length === 1, 'a first attempt')
  const late = await Promise.all([1, 2, 3].map(() => s.raw()))
  await Promise.all(late.map((c, i) => c.subscribed('presence-kill', { user_id: `late-${i}` })))
  await s.stop('SIGKILL')
  up = true
  await s.launch()
  const people = [0, 1, 2].flatMap((i) => [`early-${i}`, `late-${i}`])
  const after = () => h.got.slice(1)
  await until(() => people.every((p) => names({ got: after() }).includes(`member_added presence-kill ${p}`)), 'all of them', 15000)
  assert.equal(after()[0].body, h.got[0].body)
  assert.deepEqual(after()[0].headers.filter((x) => !/^127/.test(x)), h.got[0].headers.filter((x) => !/^127/.test(x)))
  assert.equal(new Set(names({ got: after() })).size, names({ got: after() }).length, 'nothing twice')
  await s.close(); h.close()
})

test('who was forgotten while a hook failed is in no repeat', async () => {
  let up = false
  const h = await hook(() => (up ? 200 : 500))
  const s = await Server.start({ settings: settings([h.url, 'events = ["member_added"]\nbatch = true']) })
  const a = await s.raw(), b = await s.raw()
  await a.subscribed('presence-forget', { user_id: 'ada' })
  await until(() => h.got.length === 1, 'a first attempt')
  await b.subscribed('presence-forget', { user_id: 'bob' })
  const done = await s.cli('--url', s.url, 'forget', 'ada', '--reason', 'asked', '--yes', '--receipt', join(s.data, 'erasure.tlog-proof'))
  assert.equal(done.code, 0, done.err)
  const failed = h.got.length
  up = true
  await until(() => names(h).includes('member_added presence-forget bob'), 'the other', 15000)
  for (const r of h.got.slice(failed)) assert.doesNotMatch(r.body, /ada/)
  await s.close(); h.close()
})
