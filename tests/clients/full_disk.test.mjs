// A server on a disk that is really full: it stops writing and says so, goes on by itself once there
// is room, and nothing that it acknowledged is lost.
import test from 'node:test'
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createServer } from 'node:http'
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { Server, run, scratch, until } from './server.mjs'

/** A file system of 16 MB in memory, or nothing where none may be mounted. */
function smallDisk() {
  const path = join(scratch(), 'disk')
  mkdirSync(path)
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'rollcall-test', path], { stdio: 'ignore' })
  } catch {
    return undefined
  }
  const filler = join(path, 'filler')
  return {
    path,
    fill() {
      const fd = openSync(filler, 'a')
      try {
        for (const size of [65536, 4096]) {
          const block = Buffer.alloc(size, 'x')
          try { while (writeSync(fd, block) > 0) { /* until it is full */ } } catch { /* it is */ }
        }
      } finally { closeSync(fd) }
    },
    makeRoom() { rmSync(filler, { force: true }) },
    close() { execFileSync('umount', ['-l', path]) },
  }
}

const skip = (() => {
  const disk = smallDisk()
  disk?.close()
  return disk ? false : 'no file system may be mounted here'
})()

test('a full disk: 503, READ-ONLY, and on by itself once there is room, with all that was acknowledged', { skip }, async () => {
  const disk = smallDisk()
  const told = []
  const hook = createServer((request, response) => {
    let body = ''
    request.on('data', (d) => (body += d)).on('end', () => { told.push(...JSON.parse(body).events); response.end() })
  })
  await new Promise((done) => hook.listen(0, '127.0.0.1', done))
  const s = await Server.start({ data: join(disk.path, mkdirSync(join(disk.path, 'data')) ?? 'data'),
    settings: `sign_every = 1\nsnapshot_every = 1000\n[[apps.webhooks]]\nurl = "http://127.0.0.1:${hook.address().port}/"\n` })
  try {
    const acknowledged = [], unknown = []
    let n = 0
    const write = async (key) => {
      const user = `u${n++}`
      const r = await s.v1('POST', '/login', { body: { user, agent: 'x'.repeat(200) }, headers: key ? { 'idempotency-key': key } : {} })
      if (r.status === 200) acknowledged.push(user)
      else unknown.push(user)
      return r
    }
    for (let i = 0; i < 20; i++) assert.equal((await write()).status, 200)
    for (let round = 0; round < 2; round++) {
      disk.fill()
      const denied = await until(async () => { const r = await write(); return r.status !== 200 && r }, 'a refusal', 20000)
      assert.equal(denied.status, 503)
      assert.match(denied.json.detail, /outcome-unknown|recorded/)
      await until(async () => (await s.v1('GET', '/health')).json.health === 'READ-ONLY', 'READ-ONLY')
      assert.equal((await s.v1('GET', `/presence/${acknowledged[0]}`)).json.state, 'online', 'reading goes on')
      assert.equal((await s.request('GET', '/up')).status, 200)
      await s.cli('snapshot', 'create')  // fails, and is no business of the server's
      // The log was looked at anew, and the disk was found to be full still.
      await until(async () => /to go on, \d+ MB must be free/.test((await s.v1('GET', '/health')).json.problem), 'an attempt to go on', 20000)
      assert.equal(s.child.exitCode, null, s.log)
      disk.makeRoom()
      await until(async () => (await write()).status === 200, 'writing again', 15000)
      assert.notEqual((await s.v1('GET', '/health')).json.health, 'READ-ONLY')
    }
    const m = await s.raw(); await m.subscribed('presence-x', { user_id: 'u0' })
    await until(() => told.some((e) => e.name === 'member_added' && e.user_id === 'u0'), 'the webhook')
    for (const user of acknowledged)
      assert.equal((await s.v1('GET', `/presence/${user}`)).json.state, 'online', user)
    disk.fill()
    await until(async () => (await write()).status === 503, 'a refusal', 20000)
    const ended = await s.stop()
    assert.equal(ended.code, 0, 'a stop on a full disk is no crash')
    disk.makeRoom()
    await s.launch()
    assert.equal((await s.stop()).code, 0)
    const verified = await s.cli('verify', '--full', '--replay')
    assert.equal(verified.code, 0, verified.out + verified.err)
    const who = JSON.parse((await s.cli('who', '-o', 'json')).out)
    const names = new Set((who.users ?? who).map((u) => u.user))
    for (const user of acknowledged) assert.ok(names.has(user), user)
    const log = join(s.data, 'apps/main/log')
    assert.deepEqual(readdirSync(log).filter((f) => f === 'LOG' || f.startsWith('LOG.old')), [])
  } finally {
    if (s.child.exitCode === null) s.child.kill('SIGKILL')
    await s.exited
    hook.close()
    disk.close()
  }
})
