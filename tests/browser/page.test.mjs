// The page in a real Chromium against the real server: several people in contexts of their own.
import test, { after, before } from 'node:test'
import assert from 'node:assert/strict'
import { readFileSync, mkdirSync } from 'node:fs'
import http from 'node:http'
import { createRequire } from 'node:module'
import { Server, run, sleep, until } from '../clients/server.mjs'
import { launch } from './browser.mjs'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const policy = (p) => '[apps.policy]\n' + Object.entries(p).map(([k, v]) => `${k} = ${v}`).join('\n')
const shots = process.env.ROLLCALL_SCREENSHOTS

let server, browser
before(async () => {
  server = await Server.start({ settings: `rooms = ["lobby", "kitchen"]\n${policy({ grace_clean: 3, grace_abort: 3 })}` })
  browser = await launch()
})
after(async () => {
  await browser?.close()
  await server?.close()
})

/** A context of its own with the page open as `user` (or as nobody), signed in by the token's link. */
async function person(user, { at = '/people', from = browser, context: options = {}, on = server } = {}) {
  const context = await from.newContext({ viewport: { width: 1100, height: 760 }, ...options })
  const page = await context.newPage()
  page.problems = []
  page.on('pageerror', (e) => page.problems.push(String(e)))
  page.on('console', (m) => /Content Security Policy/.test(m.text()) && page.problems.push(m.text()))
  await page.goto(`${on.url}/sign-in?to=${encodeURIComponent(at)}#token=${on.token}`)
  page.setDefaultTimeout(10_000)
  await page.waitForSelector('[data-test=known]', { state: 'attached' })
  if (user === null) {
    await page.click('text=Look on as nobody')
  } else {
    await page.fill('form input', user)
    await page.click('form button')
  }
  await page.waitForURL((url) => url.pathname === at.split('?')[0])
  if (user !== null) await page.waitForSelector('[data-test=me]')
  return page
}
const state = (page, user) => page.locator(`[data-user="${user}"]`).getAttribute('data-state', { timeout: 2000 }).catch(() => null)
const sees = async (page, user, what, ms = 8000) => {
  try {
    await until(async () => (await state(page, user)) === what, `${user} ${what}`, ms)
  } catch (error) {
    throw new Error(`${error.message}; the page says: ${await page.innerText('body')}`)
  }
}
const messages = (page) => page.locator('[data-message] p').allTextContents()
const say = async (page, text) => { await page.fill('#say', text); await page.keyboard.press('Enter') }

test('three people see each other come, go away, and log out', async () => {
  const a = await person('ann'), b = await person('bea'), c = await person('cid')
  for (const page of [a, b, c]) for (const user of ['ann', 'bea', 'cid']) await sees(page, user, 'online')
  await b.click('[data-test=me]')
  await b.selectOption('.menu select >> nth=0', 'away')
  await b.fill('.menu input >> nth=0', 'at lunch')
  await b.click('.menu button[type=submit]')
  for (const page of [a, c]) await sees(page, 'bea', 'away')
  await until(async () => (await a.locator('[data-user=bea]').textContent()).includes('at lunch'), 'the words')
  await c.click('text=Sign out')
  for (const page of [a, b]) await sees(page, 'cid', 'offline')
  assert.deepEqual([a.problems, b.problems, c.problems], [[], [], []])
  for (const page of [a, b, c]) await page.context().close()
})

test('a logout in one tab shows at once in the others', async () => {
  const a = await person('dora')
  const again = await a.context().newPage()
  await again.goto(`${server.url}/people`)
  await again.waitForSelector('[data-user=dora][data-state=online]')
  const other = await person('dora')
  await a.click('text=Sign out')
  await again.waitForSelector('text=You were signed out')
  await other.waitForSelector('text=You were signed out')
  await other.click('text=Come back as dora')
  await other.waitForSelector('[data-test=me]')
  await a.context().close()
  await other.context().close()
})

test('chat both ways: typing, unread, other tabs at once, edited, removed', async () => {
  const a = await person('eve', { at: '/rooms/lobby' }), b = await person('flo', { at: '/rooms/lobby' })
  await until(async () => (await a.locator('[data-test=members]').textContent()).includes('flo'), 'flo is in the room')
  await b.locator('#say').pressSequentially('h')
  await a.waitForSelector('text=flo is typing')
  await say(b, 'hello eve')
  await until(async () => (await messages(a)).includes('hello eve'))
  await say(a, 'hello flo')
  await until(async () => (await messages(b)).join() === 'hello eve,hello flo')
  const device = await person('eve', { at: '/rooms/kitchen' })
  await until(async () => (await device.locator('[data-test=members]').textContent()).includes('eve'))
  await say(b, 'and one more')
  await device.waitForSelector('nav[aria-label=Rooms] .count')
  await device.context().close()
  await until(async () => (await messages(a)).includes('and one more'))
  await b.locator('[data-message]', { hasText: 'and one more' }).locator('text=Edit').click()
  await b.fill('article form input', 'and another')
  await b.click('article form button')
  await until(async () => (await messages(a)).includes('and another'))
  await b.locator('[data-message]', { hasText: 'and another' }).locator('text=Remove').click()
  await until(async () => (await messages(a)).join() === 'hello eve,hello flo')
  await b.reload()
  await until(async () => (await messages(b)).join() === 'hello eve,hello flo', 'the history of the log')
  assert.equal(await b.locator('[data-message]', { hasText: 'hello eve' }).locator('text=Edit').count(), 1, 'one’s own')
  assert.equal((await run(['-d', server.data, '--url', server.url, 'checkpoint', 'sign'])).code, 0)
  const verified = await run(['-d', server.data, 'verify', '--full'])
  assert.equal(verified.code, 0, verified.out + verified.err)
  assert.match(verified.out, /2 dropped, 0 missing/, 'the message and its edit')
  assert.deepEqual([...a.problems, ...b.problems], [])
  await a.context().close()
  await b.context().close()
})

test('who is forgotten goes from the list and from the rooms, on open pages', async () => {
  const a = await person('gus', { at: '/rooms/lobby' }), b = await person('hal', { at: '/rooms/lobby' })
  await say(a, 'I stay')
  await say(b, 'forget me')
  await until(async () => (await messages(a)).includes('forget me'), 'the message comes')
  await b.context().close()
  const done = await run(['-d', server.data, '--url', server.url, '--reason', 'asked', 'forget', 'hal', '--yes', '--receipt', `${server.data}/hal.proof`])
  assert.equal(done.code, 0, done.err)
  await until(async () => !(await messages(a)).includes('forget me'), 'the message goes')
  await a.reload()
  await a.waitForSelector('#say')
  await until(async () => (await messages(a)).includes('I stay'), 'what gus said is there')
  assert.ok(!(await messages(a)).includes('forget me'))
  await a.goto(`${server.url}/people`)
  await sees(a, 'gus', 'online')
  assert.equal(await state(a, 'hal'), null)
  await a.context().close()
})

test('a tab that is killed is Offline after the grace and no sooner', async () => {
  const own = await launch()
  const watcher = await person('ivy')
  await person('jan', { from: own })
  await sees(watcher, 'jan', 'online')
  const at = Date.now()
  own.kill()
  await sees(watcher, 'jan', 'offline', 10_000)
  const took = Date.now() - at
  assert.ok(took >= 2900, `${took} ms`)
  await watcher.context().close()
})

test('the slider answers as who --at does, and moves every view', async () => {
  const page = await person('kim')
  await sees(page, 'kim', 'online')
  const moment = new Date(Date.now() + 5)  // between what happened and what happens next
  await until(() => Date.now() > +moment + 5)
  await server.v1('POST', '/login', { body: { user: 'later' } })
  await sees(page, 'later', 'online')
  await page.goto(`${server.url}/people?at=${moment.toISOString()}`)
  await page.waitForSelector('.bar.past')
  const who = JSON.parse((await run(['-d', server.data, 'who', '--at', moment.toISOString(), '-o', 'json', '--fields', 'user,state'])).out)
  const expected = who.filter((p) => p.state !== 'offline').map((p) => `${p.user} ${p.state}`).sort()
  const shown = async () => (await page.locator('[data-user]').evaluateAll((rows) => rows.map((r) => `${r.dataset.user} ${r.dataset.state}`))).filter((t) => !t.endsWith('offline')).sort()
  await until(async () => (await shown()).join() === expected.join(), `the page shows ${expected}`)
  assert.ok(expected.includes('kim online') && !expected.includes('later online'))
  // By keyboard: the slider is a slider.
  await page.click('text=Back to now')
  await sees(page, 'later', 'online')
  await page.focus('input[type=range]')
  for (let i = 0; i < 5; i++) await page.keyboard.press('ArrowLeft')
  await page.waitForSelector('.bar.past')
  await page.click('nav >> text=Rooms')
  await page.waitForSelector('text=As it was at the moment above')
  await page.context().close()
})

test('what is drawn zooms by keyboard and is saved as SVG and CSV', async () => {
  const page = await person('nan', { at: '/past?range=hour&user=nan' })
  await page.waitForSelector('figure svg')
  await until(async () => (await page.locator('figure').count()) === 3, 'three charts')
  const saved = async (figure, what) => {
    const [download] = await Promise.all([page.waitForEvent('download'), page.locator('figure').nth(figure).locator(`text=${what}`).click()])
    const file = `${server.data}/${download.suggestedFilename()}`
    await download.saveAs(file)
    return { name: download.suggestedFilename(), text: readFileSync(file, 'utf8') }
  }
  for (const [figure, name] of [[0, 'concurrency'], [1, 'heat-map'], [2, 'timeline-nan']]) {
    const svg = await saved(figure, 'SVG'), csv = await saved(figure, 'CSV')
    assert.equal(svg.name, `${name}.svg`)
    assert.match(svg.text, /^<svg[^>]*xmlns="http:\/\/www.w3.org\/2000\/svg"/)
    assert.ok(!/var\(|class="[^"]*data-v/.test(svg.text.replace(/ class="[^"]*"/g, '')), 'it stands alone')
    assert.equal(csv.name, `${name}.csv`)
    assert.ok(csv.text.split('\r\n').length > 2)
  }
  const csv = (await saved(2, 'CSV')).text.trim().split('\r\n')
  assert.equal(csv[0], 'from,state,cause,seq')
  assert.match(csv.at(-1), /,online,/)
  const ticks = () => page.locator('figure >> nth=2').locator('.tick').allTextContents()
  const before = (await ticks()).join()
  await page.locator('figure >> nth=2').locator('svg').focus()
  for (let i = 0; i < 6; i++) await page.keyboard.press('+')
  assert.notEqual((await ticks()).join(), before)
  await page.keyboard.press('0')
  assert.equal((await ticks()).join(), before)
  const heat = page.locator('figure >> nth=1').locator('svg')
  await heat.focus()
  await page.keyboard.press('+')
  assert.match(await heat.locator('> g').getAttribute('transform'), /scale\(1\.5\)/)
  await page.keyboard.press('0')
  await page.context().close()
})

test('audit: who joined shows the channel, who read shows by whom; both are asked for', async () => {
  const guest = await person('ira', { at: '/rooms/lobby' })
  await guest.waitForSelector('text=ira')
  const page = await person('max', { at: '/audit?channel=presence-room.lobby&u=ira&e=joined' })
  await page.waitForSelector('[data-test=particulars]')
  assert.match(await page.locator('[data-test=particulars]').textContent(), /channel\s*presence-room.lobby/)
  assert.match(await page.locator('tbody tr[data-seq]').first().textContent(), /presence-room.lobby/)
  await server.v1('POST', '/login', { body: { user: 'cn=Doe\\, Jane' } })
  await page.fill('input[name=u]', 'cn=Doe\\, Jane'); await page.fill('input[name=channel]', ''); await page.fill('input[name=e]', 'login, logout')
  await page.click('text=Search')
  await page.waitForSelector('tbody tr[data-seq] td:has-text("Doe")')
  await page.context().close(); await guest.context().close()
})

test('audit: a link is a query; changes side by side; follow; a tampered proof is refused', async () => {
  await server.v1('POST', '/login', { body: { user: 'lea' } })
  await server.v1('POST', '/activity', { body: { user: 'lea', action: 'order.paid', target_type: 'order', target_id: '7', description: 'paid the order', changes: { state: { old: 'open', new: 'paid' } } } })
  const page = await person('max', { at: '/audit?u=lea&e=activity' })
  await page.waitForSelector('[data-test=event]')
  assert.equal(await page.locator('tbody tr[data-seq]').count(), 1)
  assert.deepEqual(await page.locator('[data-test=event] td').allTextContents(), ['open', 'paid'])
  await page.click('text=Verify in this browser')
  await page.waitForSelector('text=VERIFIED')
  assert.equal(await page.locator('[data-test=verdict] strong').textContent(), 'VERIFIED')
  await page.click('text=The receipt that is checked')
  const receipt = await page.inputValue('#receipt')
  const verify = async (text) => {
    await page.fill('#receipt', text)
    await page.click('text=Verify in this browser')
    await sleep(150)
    return page.locator('[data-test=verdict] strong').textContent()
  }
  const lines = receipt.split('\n')
  const flip = (i) => lines.map((line, n) => (n === i ? line.replace(/[A-Za-z]/, (c) => (c === 'A' ? 'B' : 'A')) : line)).join('\n')
  const extra = lines.map((line) => line.startsWith('extra ') ? 'extra ' + (() => { const b = Buffer.from(line.slice(6), 'base64'); b[40] ^= 1; return b.toString('base64') })() : line).join('\n')
  assert.equal(await verify(extra), 'NOT VERIFIED', 'an event that was changed')
  assert.equal(await verify(flip(2)), 'NOT VERIFIED', 'a path that was changed')
  const size = lines.findIndex((l, n) => n > 2 && /^\d+$/.test(l))
  assert.equal(await verify(lines.map((l, n) => (n === size ? String(Number(l) + 1) : l)).join('\n')), 'NOT VERIFIED', 'another size under the same signature')
  assert.equal(await verify(flip(lines.findIndex((l) => l.startsWith('— ')))), 'NOT VERIFIED', 'another signer')
  assert.equal(await verify('nonsense'), 'NOT VERIFIED')
  assert.equal(await verify(receipt), 'VERIFIED', 'and the true one still is')
  await page.check('text=Follow')
  await server.v1('POST', '/activity', { body: { user: 'lea', action: 'order.sent' } })
  await page.waitForSelector('text=order.sent')
  await page.fill('input[name=g]', 'paid')
  await page.click('text=Search')
  await page.waitForURL(/g=paid/)
  await until(async () => (await page.locator('tbody tr[data-seq]').count()) === 1)
  assert.deepEqual(page.problems, [])
  await page.context().close()
})

test('the server restarts under open pages, which recover without a reload, a lost or a doubled message', async () => {
  const s = await Server.start({ settings: policy({ grace_node: 20 }) })
  const port = s.port
  const a = await person('nat', { on: s, at: '/rooms/lobby' }), b = await person('ora', { on: s, at: '/rooms/lobby' })
  await say(a, 'one')
  await until(async () => (await messages(b)).includes('one'))
  await a.evaluate(() => (window.mark = 'the same document'))
  await s.stop('SIGKILL')
  await a.waitForSelector('[data-test=connection]')
  await say(a, 'two')
  await say(a, 'three')
  await a.waitForSelector('text=waits for the connection')
  s.args[s.args.indexOf('--listen') + 1] = `127.0.0.1:${port}`
  await s.launch()
  await s.v1('POST', '/activity', { body: { user: 'ora', action: 'message.posted', target_type: 'room', target_id: 'lobby', description: 'while you were away' } }).catch(() => undefined)
  const all = async (page) => (await messages(page)).filter((m) => m !== 'while you were away').join()
  await until(async () => (await all(a)) === 'one,two,three' && (await all(b)) === 'one,two,three', 'every message once', 60_000)
  assert.equal(await a.evaluate(() => window.mark), 'the same document')
  process.kill(s.child.pid, 'SIGUSR2')
  await say(b, 'four')
  await until(async () => (await all(a)) === 'one,two,three,four', 'across a restart in place', 20_000)
  await sleep(1500)
  assert.deepEqual([await all(a), await all(b)], ['one,two,three,four', 'one,two,three,four'])
  const history = await run(['-d', s.data, 'audit', '-u', 'nat', '-e', 'logout', '-o', 'ndjson'])
  assert.equal(history.out, '', 'nobody went Offline')
  await a.context().close()
  await b.context().close()
  await s.close()
})

for (const scheme of ['light', 'dark'])
  test(`axe finds nothing on any view, ${scheme}`, async () => {
    const page = await person('pia', { context: { colorScheme: scheme } })
    await sees(page, 'pia', 'online')
    const views = { people: '/people', person: '/people/pia', rooms: '/rooms/lobby', past: '/past', audit: '/audit', event: '/audit?u=lea&e=activity', 'sign-in': '/sign-in' }
    for (const [name, path] of Object.entries(views)) {
      await page.goto(server.url + path)
      await page.waitForSelector('h1', { state: 'attached' })
      await page.waitForLoadState('networkidle', { timeout: 3000 }).catch(() => undefined)
      if (name === 'people') await page.click('[data-test=me]')
      await sleep(300)
      await page.evaluate(axe)
      const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }))
      assert.deepEqual(violations.map((v) => `${name}: ${v.id}: ${v.nodes.map((n) => n.html.slice(0, 120)).join(' | ')}`), [])
      if (shots) mkdirSync(shots, { recursive: true }), await page.screenshot({ path: `${shots}/${name}-${scheme}.png` })
    }
    await page.context().close()
  })

test('everything by keyboard, and a phone is wide enough', async () => {
  const page = await person('rex', { context: { viewport: { width: 360, height: 700 } } })
  await sees(page, 'rex', 'online')
  for (const path of ['/people', '/people/rex', '/rooms/lobby', '/past', '/audit', '/audit?u=lea&e=activity', '/sign-in']) {
    await page.goto(server.url + path)
    await page.waitForSelector('h1', { state: 'attached' })
    await sleep(400)
    const [wide, has] = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth])
    assert.ok(wide <= has, `${path} is ${wide} wide on ${has}`)
    if (shots) await page.screenshot({ path: `${shots}/phone${path.replace(/\W+/g, '-')}.png` })
  }
  await page.goto(`${server.url}/people`)
  await sees(page, 'rex', 'online')
  const tabTo = async (selector) => {
    for (let i = 0; i < 60; i++) {
      await page.keyboard.press('Tab')
      if (await page.evaluate((s) => document.activeElement?.matches(s), selector)) return
    }
    assert.fail(`Tab never came to ${selector}`)
  }
  await tabTo('[data-user=rex]')
  await page.keyboard.press('Enter')
  await page.waitForSelector('[data-test=person]')
  await tabTo('a[href^="/rooms"]')
  await page.keyboard.press('Enter')
  await page.waitForSelector('#say')
  await tabTo('#say')
  await page.keyboard.type('by keys alone')
  await page.keyboard.press('Enter')
  await until(async () => (await messages(page)).includes('by keys alone'))
  await page.context().close()
})

test('the first load is at most 200 KB on the wire', async () => {
  const context = await browser.newContext()
  const page = await context.newPage()
  const cdp = await context.newCDPSession(page)
  await cdp.send('Network.enable')
  let bytes = 0
  cdp.on('Network.loadingFinished', (e) => (bytes += e.encodedDataLength))
  await page.goto(`${server.url}/sign-in?to=/people#token=${server.token}`)
  await page.click('text=Look on as nobody')
  await page.waitForSelector('[data-user]')
  await page.waitForSelector('[data-test=connection]', { state: 'detached' })  // connected, the list read
  assert.ok(bytes < 200 * 1024, `${bytes} bytes`)
  console.log(`first load: ${(bytes / 1024).toFixed(1)} KB`)
  await context.close()
})

test('any page shows a person: the element with a watch token, from another site', async () => {
  const token = (await run(['-d', server.data, 'token', 'watch', 'sam'])).out.trim()
  const site = http.createServer((_, res) => {
    res.setHeader('content-type', 'text/html')
    res.end(`<!doctype html><script src="${server.url}/embed/rollcall-presence.js"></script><rollcall-presence user="sam" token="${token}"></rollcall-presence><rollcall-presence id="bad" user="sam" token="x.y"></rollcall-presence>`)
  })
  await new Promise((done) => site.listen(0, '127.0.0.1', done))
  const s = await Server.start({ data: undefined, args: ['--origin', 'localhost'] })
  const mine = (await run(['-d', s.data, 'token', 'watch', 'sam'])).out.trim()
  const page = await (await browser.newContext()).newPage()
  // On the server itself: the example page.
  await page.goto(`${s.url}/embed/example.html#user=sam&token=${encodeURIComponent(mine)}`)
  await page.waitForSelector('rollcall-presence[state=offline]')
  await s.v1('POST', '/login', { body: { user: 'sam' } })
  await page.waitForSelector('rollcall-presence[state=online]')
  await s.v1('POST', '/logout', { body: { user: 'sam' } })
  await page.waitForSelector('rollcall-presence[state=offline]')
  // On a site that is not named: nothing.
  await page.goto(`http://127.0.0.1:${site.address().port}/`)
  await page.waitForSelector('#bad[title]')
  await sleep(300)
  assert.equal(await page.locator('rollcall-presence >> nth=0').getAttribute('state'), 'unknown')
  site.close()
  await s.close()
})

test('where reads need a reason the page asks for one, and the log keeps it', async () => {
  const s = await Server.start()
  await s.v1('POST', '/login', { body: { user: 'read-about' } })
  assert.equal((await run(['-d', s.data, '--url', s.url, 'store', 'reads', 'reason'])).code, 0)
  const page = await person(null, { at: '/audit', on: s })
  await page.waitForSelector('[data-test=reason]')
  await page.getByText('give --reason').first().waitFor()
  assert.equal(await page.getByText('read-about').count(), 0)
  await page.fill('[data-test=reason] input', 'incident 7 – Zoë')
  await page.click('[data-test=reason] button')
  await page.getByText('read-about').first().waitFor()
  const queries = await run(['-d', s.data, '--url', s.url, '--reason', 'test', 'audit', 'queries', '-o', 'json'])
  assert.ok(JSON.parse(queries.out).some((q) => q.reason === 'incident 7 – Zoë'), queries.out)
  await page.context().close()
  await s.close()
})
