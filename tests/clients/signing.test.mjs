// A server that cannot sign says so; a backup taken over --url beside a busy server is whole.
import test from 'node:test'
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Server, run, scratch, until } from './server.mjs'

const health = async (server) => (await server.v1('GET', '/health')).json

test('a damaged signing key is told by health and the log, at the start, while running, and when it is mended', async () => {
  const server = await Server.start({ settings: 'sign_every = 1' })
  try {
    const file = join(server.data, 'apps/main/keys/signing.key')
    assert.equal((await health(server)).signing, true)
    const whole = readFileSync(file, 'utf8')
    writeFileSync(file, whole.replace(/.(?=\n$)/, (c) => (c === 'A' ? 'B' : 'A')))
    await until(async () => (await health(server)).signing === false, 'health tells of the key')
    assert.equal((await health(server)).health, 'NOT-SIGNING')
    assert.match((await health(server)).problem, /signing\.key/)
    assert.match(server.log, /nothing can be signed: .*signing\.key/)
    await server.stop()
    await server.launch()
    assert.equal((await health(server)).health, 'NOT-SIGNING', 'at the start')
    writeFileSync(file, whole)
    await until(async () => (await health(server)).health === 'OK', 'health after the key is back')
  } finally {
    await server.close()
  }
})

test('backups over --url beside a server that writes and signs all the time verify, restored too', async () => {
  const server = await Server.start({ settings: 'sign_every = 1' })
  const cli = (...args) => run(['-d', server.data, '--url', server.url, ...args])
  let stop = false
  const busy = (async () => {
    for (let i = 0; !stop; i++) {
      await Promise.all(Array.from({ length: 8 }, (_, n) => server.v1('POST', '/activity', { body: { user: `user-${n}`, action: 'order.paid', description: `text ${i}` } })))
      if (i % 5 === 0) await server.v1('POST', '/checkpoint', { body: {} })
    }
  })()
  try {
    const backups = scratch(), vaults = scratch()
    for (let i = 0; i < 4; i++) {
      const made = await cli('backup', 'create', backups, '--name', `b${i}`, '--vault', vaults)
      assert.equal(made.code, 0, made.err)
      const verified = await run(['backup', 'verify', join(backups, `b${i}`)])
      assert.equal(verified.code, 0, verified.out + verified.err)
      const restored = scratch()
      const back = await run(['-d', restored, 'backup', 'restore', join(backups, `b${i}`), '--vault', join(vaults, `b${i}`), '--master-key', join(server.data, 'apps/main/vault/master.key'), '--yes'])
      assert.equal(back.code, 0, back.err)
      const whole = await run(['-d', restored, 'verify', '--full', '--replay'])
      assert.equal(whole.code, 0, whole.out + whole.err)
    }
  } finally {
    stop = true
    await busy
    await server.close()
  }
})
