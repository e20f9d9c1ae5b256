// Questions about a long history beside everything else.
import test from 'node:test'
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Server, auth, run, scratch, until } from './server.mjs'
import { open, status } from './wire.mjs'

test('eight who catch up over a long history hold up nobody: others are answered meanwhile', async () => {
  const events = 200_000
  const data = scratch(), file = join(data, 'events.ndjson')
  const lines = []
  const at = Date.parse('2026-01-01T00:00:00Z')
  for (let i = 0; i < events; i++)
    lines.push(`{"at":"${new Date(at + i * 100).toISOString()}","type":"activity","user":"u${i % 50}","action":"page.viewed"}`)
  for (let i = 0; i < 50; i++) lines[i] = lines[i].replace('"activity"', '"login"').replace(',"action":"page.viewed"', '')
  writeFileSync(file, lines.join('\n'))
  const imported = await run(['-d', data, 'import', file])
  assert.equal(imported.code, 0, imported.err)
  const s = await Server.start({ data, args: ['--threads', '1'] }) // one thread has them all
  const members = await Promise.all(Array.from({ length: 8 }, () => s.raw()))
  for (const m of members) await m.subscribed('private-x')
  const up = await open(s.port)
  const asked = await Promise.all(members.map(() => open(s.port)))
  const answered = () => asked.filter((a) => a.text).length
  let meanwhile = 0
  members.forEach((m, i) => asked[i].write(`GET /v1/catchup?channel=private-x&after=0&socket_id=${m.id}&auth=${encodeURIComponent(auth(m.id, 'private-x'))} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`))
  while (answered() === 0) {
    up.text = ''
    up.write('GET /up HTTP/1.1\r\nHost: localhost\r\n\r\n')
    await until(() => up.text.includes('OK') || answered() > 0, 'an answer of either')
    if (up.text.includes('OK') && answered() === 0) meanwhile++
  }
  await until(() => asked.every((a) => a.over), 'all are answered', 30000)
  for (const a of asked) assert.equal(status(a.text), 200, a.text.slice(0, 300))
  // On that thread the first question would have been answered before the second /up was read.
  assert.ok(meanwhile >= 2, `${meanwhile} were answered while all eight were under way`)
  up.destroy()
  for (const m of members) m.close()
  await s.close()
})
