// The past in a real Chromium: played by the page of a live server, and by a server that plays it.
import test, { after, before } from 'node:test'
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Server, app, run, scratch, until } from '../clients/server.mjs'
import { launch } from './browser.mjs'

const shots = process.env.ROLLCALL_SCREENSHOTS
const open = []
let browser, data, auditor, changes
before(async () => {
  data = scratch()
  // A morning: a minute and a half between what happens, so that the eye of a test can follow.
  const at = (minutes) => new Date(Date.UTC(2026, 0, 12, 9) + minutes * 60_000).toISOString()
  const lines = [['login', 'ann', 0], ['login', 'bea', 2], ['login', 'cid', 4], ['activity', 'ann', 4.5], ['logout', 'bea', 6], ['login', 'bea', 8], ['logout', 'ann', 9], ['activity', 'cid', 10], ['logout', 'bea', 12]]
  const file = join(data, 'morning.ndjson')
  writeFileSync(file, lines.map(([type, user, minutes]) => JSON.stringify({ at: at(minutes), type, user, session: 's', ...(type === 'activity' ? { action: 'page.read' } : {}) })).join('\n') + '\n')
  const imported = await run(['-d', data, 'import', file])
  assert.equal(imported.code, 0, imported.err)
  auditor = (await run(['-d', data, 'token', 'create', 'auditor', '--scope', 'audit:read', '--scope', 'presence:read', '--app', app.id])).out.trim().split(/\s+/).at(-1)
  changes = (await run(['-d', data, 'timeline', '-o', 'ndjson'])).out.trim().split('\n').map((line) => JSON.parse(line)).filter((row) => row.from).map((row) => `${row.user} ${row.to}`)
  browser = await launch()
})
after(async () => {
  await browser?.close()
  for (const server of open) await server.stop()
})

/** The page, with every change of a row's state noted as it is drawn. */
async function visit(server, path) {
  const context = await browser.newContext({ viewport: { width: 1100, height: 760 } })
  const page = await context.newPage()
  page.setDefaultTimeout(10_000)
  page.problems = []
  page.on('pageerror', (e) => page.problems.push(String(e)))
  await page.goto(`${server.url}/sign-in?to=${encodeURIComponent(path)}#token=${auditor}`)
  await page.waitForURL((url) => url.pathname === '/people')
  await page.waitForSelector('[data-user]')
  await page.evaluate(() => {
    const states = {}
    let first = true
    window.drawn = []
    const look = () => {
      for (const row of document.querySelectorAll('[data-user]')) {
        const { user, state } = row.dataset
        if (!first && states[user] !== state) window.drawn.push(`${user} ${state}`)
        states[user] = state
      }
      first = false
    }
    look()
    new MutationObserver(look).observe(document.body, { subtree: true, childList: true, attributes: true })
  })
  return page
}
const drawn = (page) => page.evaluate(() => window.drawn)

test('the page of a live server plays a morning from the slider, each change in its order', async () => {
  const server = await Server.start({ data })
  open.push(server)
  const page = await visit(server, '/people?at=2026-01-12T09:00:30.000Z')
  await page.waitForSelector('[data-user=ann][data-state=online]')
  await page.selectOption('#play-speed', '600')
  await page.click('[data-test=play]')
  const expected = changes.slice(changes.indexOf('bea online')).filter((c) => !c.endsWith('away'))
  const seen = async () => (await drawn(page)).filter((c) => !c.endsWith('away'))
  await until(async () => (await seen()).length >= expected.length, `${expected.length} changes`, 20_000)
  assert.deepEqual((await seen()).slice(0, expected.length), expected)
  if (shots) { mkdirSync(shots, { recursive: true }); await page.screenshot({ path: join(shots, 'play.png') }) }
  assert.deepEqual(page.problems, [])
  await page.context().close()
})

test('the page of a replay shows its clock, and people as they came; paused, moved, at another speed', async () => {
  const server = await Server.replay(data, ['--step', '--speed', '600x', '--to', '2026-01-12T09:15:00Z'])
  open.push(server)
  const context = await browser.newContext({ viewport: { width: 1100, height: 760 } })
  const page = await context.newPage()
  page.setDefaultTimeout(10_000)
  await page.goto(`${server.url}/sign-in?to=%2Fpeople#token=${auditor}`)
  await page.waitForSelector('[data-test=replay-clock]')
  assert.match(await page.innerText('[data-test=replay-pause]'), /Play/)
  await page.click('[data-test=replay-pause]')
  await page.waitForSelector('[data-user=ann][data-state=online]')
  await page.waitForSelector('[data-user=cid][data-state=online]')
  await page.waitForSelector('[data-user=ann][data-state=offline]')
  if (shots) await page.screenshot({ path: join(shots, 'replay.png') })
  // Somebody moves it back: everybody who looks on sees that moment.
  const moved = await server.request('POST', '/v1/replay', { body: JSON.stringify({ paused: true, at: '2026-01-12T09:03:00Z' }), headers: { authorization: `Bearer ${auditor}`, 'content-type': 'application/json' } })
  assert.equal(moved.status, 200, moved.text)
  await page.waitForSelector('[data-user=ann][data-state=online]')
  await page.waitForSelector('[data-user=bea][data-state=online]')
  assert.equal(await page.locator('text=Be somebody').count(), 0, 'nobody is somebody in the past')
  await context.close()
})
