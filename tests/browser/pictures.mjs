// The pictures in docs/: each view, with a company of invented people who have been coming and going
// for a while. Usage: node pictures.mjs FOLDER
import { spawn } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { Server, binary, run, sleep, until } from '../clients/server.mjs'
import { launch } from './browser.mjs'

const folder = process.argv[2]
mkdirSync(folder, { recursive: true })
const server = await Server.start({ settings: 'rooms = ["lobby", "kitchen", "releases"]' })
const company = spawn(binary, ['-q', '-d', server.data, '--url', server.url, 'company', '--speed', '60'], { stdio: 'ignore' })
const browser = await launch()
const open = async (user, scheme = 'light', size = { width: 1100, height: 720 }) => {
  const page = await (await browser.newContext({ viewport: size, colorScheme: scheme })).newPage()
  await page.goto(`${server.url}/sign-in?to=/people#token=${server.token}`)
  await page.waitForSelector('[data-test=known]', { state: 'attached' })
  await page.fill('form input', user)
  await page.click('form button')
  await page.waitForSelector('[data-test=me]')
  return page
}
await sleep(Number(process.env.ROLLCALL_PICTURES_WAIT_S ?? 60) * 1000)
const door = await (await browser.newContext({ viewport: { width: 700, height: 480 } })).newPage()
await door.goto(`${server.url}/sign-in#token=${server.token}`)
await door.waitForSelector('[data-test=known] button')
await door.screenshot({ path: `${folder}/sign-in.png` })
const ada = await open('ada'), you = await open('you', 'dark')
await server.v1('POST', '/status', { body: { user: 'grace', text: 'writing the compiler', emoji: '🛠️' } })
await server.v1('POST', '/status', { body: { user: 'linus', text: 'please do not ask', do_not_disturb: true } })
const shot = async (page, path, name, ready) => {
  await page.goto(server.url + path)
  await page.waitForSelector(ready)
  await sleep(1500)
  await page.screenshot({ path: `${folder}/${name}.png` })
}
await shot(ada, '/people/alan', 'people', '[data-test=person] svg')
for (const [page, text] of [[ada, 'Good morning! Who deploys today?'], [you, 'I do, right after the tests.'], [ada, 'Then I watch the heat map.']]) {
  await page.goto(`${server.url}/rooms/lobby`)
  await page.waitForSelector('#say')
  await until(async () => (await page.locator('[data-test=members]').textContent()).length > 2)
  await page.fill('#say', text)
  await page.keyboard.press('Enter')
  await page.waitForSelector(`text=${text}`)
}
await ada.goto(`${server.url}/rooms/lobby`)
await ada.waitForSelector('#say')
await sleep(500)
await ada.locator('#say').pressSequentially('One more')
await you.waitForSelector('text=is typing')
await you.screenshot({ path: `${folder}/rooms.png` })
await shot(ada, '/past?range=10+minutes', 'past', 'figure')
await server.v1('POST', '/activity', { body: { user: 'grace', action: 'order.paid', target_type: 'order', target_id: '7', description: 'paid the order', changes: { state: { old: 'open', new: 'paid' }, total: { old: 90, new: 96.5 } } } })
await run(['-d', server.data, '--url', server.url, 'checkpoint', 'sign'])
await ada.goto(`${server.url}/audit?q=action%3Dorder.paid`)
await ada.waitForSelector('[data-test=event]')
await ada.click('text=Verify in this browser')
await ada.waitForSelector('[data-test=verdict]')
await ada.screenshot({ path: `${folder}/audit.png` })
const phone = await open('you', 'dark', { width: 390, height: 780 })
await phone.waitForSelector('[data-user]')
await sleep(1000)
await phone.screenshot({ path: `${folder}/phone.png` })
company.kill()
await browser.close()
await server.close()
