// Debian's Chromium, headless, found or told by ROLLCALL_CHROMIUM; never downloaded.
import { existsSync } from 'node:fs'
import { chromium } from 'playwright-core'

const path = process.env.ROLLCALL_CHROMIUM ?? ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync)

/**
 * Without a sandbox, which root and most containers cannot have: it loads nothing but our own pages.
 * `kill` ends it as a crash would.
 */
export async function launch() {
  if (!path) throw new Error('there is no Chromium: ./dev check installs it')
  const server = await chromium.launchServer({ executablePath: path, args: ['--no-sandbox', '--disable-dev-shm-usage'] })
  const browser = await chromium.connect(server.wsEndpoint())
  const close = browser.close.bind(browser)
  browser.kill = () => server.process().kill('SIGKILL')
  browser.close = async () => { await close(); await server.close() }
  return browser
}
