// What the server refuses is in its log: with the code and the reason, bounded, and nothing of whom.
import test from 'node:test'
import assert from 'node:assert/strict'
import { Server, Raw, app, until } from './server.mjs'

test('whatever is refused is a line at info with its reason, without names, channels and secrets', async () => {
  const s = await Server.start({ top: 'origins = ["https://site.example"]', settings: 'tls_only = false' })
  const logged = (pattern) => until(() => pattern.test(s.log), String(pattern))
  await Raw.open(`ws://127.0.0.1:${s.port}/app/no-such-key?protocol=7`)
  await logged(/info handshake refused: 4001 There is no app with this key/)
  await s.raw('?protocol=4')
  await logged(/info handshake refused: 4007 Unsupported protocol version/)
  await s.raw('?protocol=7', { headers: { origin: 'https://evil.example' } })
  await logged(/info handshake refused: 4009 Origin not allowed \(Origin: https:\/\/evil\.example\)/)
  const a = await s.raw()
  a.send('pusher:subscribe', { channel: 'private-secret-of-ada', auth: `${app.key}:00` })
  await logged(/info subscription refused: 401 the signature does not fit/)
  a.send('pusher:subscribe', { channel: 'ada/lovelace' })
  await logged(/info subscription refused: 4009 /)
  a.send('pusher:signin', { auth: 'x:y', user_data: '{"id":"ada"}' })
  await logged(/info sign-in refused: 4009 /)
  await a.subscribed('private-room')
  for (let i = 0; i < 15; i++) a.send('client-x', {}, 'private-room')
  await logged(/info client event refused: 4301 Rate limit exceeded: 10 client events a second/)
  const reply = await s.api('POST', '/events', { body: { name: 'n', channel: 'c', data: '' }, at: 1 })
  assert.equal(reply.status, 401)
  await logged(/info call refused: 401 POST \/apps\/main\/events: auth_timestamp/)
  assert.equal((await s.v1('GET', '/presence/ada', { token: 'not-a-token' })).status, 401)
  await logged(/info call refused: 401 GET \/v1\/presence: /)
  assert.equal((await s.request('GET', '/v1/me', { host: 'else.example' })).status, 403)
  await logged(/info request refused: 403 Host is not a name this server answers to.*\(Host: else\.example\)/)
  assert.doesNotMatch(s.log, new RegExp(`ada|lovelace|not-a-token|${app.secret}|${app.key}|127\\.0\\.0\\.1(?!:${s.port}$)`, 'm'))
  await s.close()
})

test('a flood of what is refused is a few lines, and says how many more there were', async () => {
  const s = await Server.start()
  const a = await s.raw()
  for (let i = 0; i < 2000; i++) a.send('pusher:subscribe', { channel: `private-${i}`, auth: 'x:y' })
  await a.settled()
  const lines = () => s.log.split('\n').filter((line) => line.includes('subscription refused'))
  assert.ok(lines().length >= 20 && lines().length <= 40, `${lines().length} lines`)
  await until(() => { a.send('pusher:subscribe', { channel: 'private-x', auth: 'x:y' }); return /\(\d{3,} more since the last such line\)/.test(s.log) }, 'how many')
  // A kind that was quiet still has its lines.
  await Raw.open(`ws://127.0.0.1:${s.port}/app/no-such-key?protocol=7`)
  await until(() => /handshake refused: 4001/.test(s.log), 'the other kind')
  await s.close()
})
