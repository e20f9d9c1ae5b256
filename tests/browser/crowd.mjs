// 10,000 people on the page, 500 changes a second: how long the longest task of the page's thread
// is. A measurement, not a test in time: run it on a machine with nothing else to do.
// Usage: node crowd.mjs [PEOPLE] [CHANGES_A_SECOND] [SECONDS]; ends with 1 where a task took over 50 ms.
import http from 'node:http'
import { Server, until } from '../clients/server.mjs'
import { launch } from './browser.mjs'

const [people, rate, seconds] = [10_000, 500, 10].map((value, i) => Number(process.argv[2 + i] ?? value))
const server = await Server.start({ settings: '[apps.policy]\nidle_after = 36000\nttl = 360000' })
const agent = new http.Agent({ keepAlive: true, maxSockets: 32 })
const post = (path, body) => new Promise((done, fail) => {
  const text = JSON.stringify(body)
  const req = http.request({ host: '127.0.0.1', port: server.port, method: 'POST', path, agent, headers: { authorization: `Bearer ${server.token}`, 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) } }, (res) => res.resume().on('end', done))
  req.on('error', fail)
  req.end(text)
})
const name = (i) => `person-${String(i).padStart(5, '0')}`
let next = 0
await Promise.all(Array.from({ length: 32 }, async () => { while (next < people) await post('/v1/login', { user: name(next++) }) }))
console.log(`${people} people are here`)

const browser = await launch()
const page = await (await browser.newContext({ viewport: { width: 1100, height: 760 } })).newPage()
await page.goto(`${server.url}/sign-in?to=/people#token=${server.token}`)
await page.click('text=Look on as nobody')
await until(async () => (await page.textContent('[data-test=counts]')).startsWith(`${people} online`), 'everybody on the page', 30_000)
await page.evaluate(() => {
  window.tasks = []
  window.frames = 0
  new PerformanceObserver((list) => list.getEntries().forEach((e) => window.tasks.push(e.duration))).observe({ type: 'longtask' })
  const count = () => { window.frames++; requestAnimationFrame(count) }
  requestAnimationFrame(count)
})
const begun = performance.now()
let sent = 0
while (performance.now() - begun < seconds * 1000) {
  const due = Math.floor(((performance.now() - begun) / 1000) * rate)
  while (sent < due) {
    // Everybody in turn, hither and thither over the list: each request is a change that is told.
    const turn = (sent * 7919) % people
    void post('/v1/status', { user: name(turn), as: Math.floor(sent / people) % 2 ? 'clear' : 'away' })
    sent++
  }
  await new Promise((done) => setTimeout(done, 10))
}
const took = (performance.now() - begun) / 1000
const { tasks, frames } = await page.evaluate(() => ({ tasks: window.tasks, frames: window.frames }))
const worst = Math.max(0, ...tasks)
const counts = await page.textContent('[data-test=counts]')
console.log(`${Math.round(sent / took)} changes a second for ${took.toFixed(1)} s: ${counts}; ${Math.round(frames / took)} frames a second; ${tasks.length} long tasks (over 50 ms), the longest ${worst.toFixed(0)} ms`)
agent.destroy()
await browser.close()
await server.close()
process.exit(tasks.length ? 1 : 0)
