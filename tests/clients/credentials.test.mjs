// What is shown and what is said must mean one thing: credentials that open nothing, and keys that stand twice.
import test, { before, after } from 'node:test'
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { Server, auth } from './server.mjs'
import { b64, jwt, jwtSecret, jwtSettings } from './wire.mjs'

let server
before(async () => { server = await Server.start({ settings: jwtSettings }) })
after(() => server.close())

test('a credential that opens nothing is 401 everywhere and counts; none at all is nobody', async () => {
  const s = await Server.start({ settings: jwtSettings, top: '[callers]\nfailures_per_minute = 20\n' })
  const cookie = (await s.request('POST', '/login', { body: JSON.stringify({ token: s.token }), headers: { 'content-type': 'application/json' } })).headers['set-cookie'][0].split(';')[0]
  const me = (headers) => s.request('GET', '/v1/me', { headers })
  assert.deepEqual([(await me({})).status, (await me({})).json.name], [200, ''])
  assert.equal((await me({ authorization: 'Basic dTpw' })).status, 200, 'of a proxy in front')
  assert.equal((await me({ authorization: 'Basic dTpw', cookie })).json.name, 'token:admin')
  assert.equal((await me({ authorization: `bearer ${s.token}` })).json.name, 'token:admin', 'a scheme in any case')
  assert.equal((await me({ cookie: 'other=1' })).status, 200)
  const wrong = [{ authorization: 'Bearer wrong' }, { authorization: 'Bearer ' }, { authorization: 'Bearer' }, { authorization: 'BEARER x.y.z' }, { authorization: `Bearer ${jwt('a')}x` }, { cookie: 'rollcall_page=x.y' }, { cookie: `${cookie}0` }]
  for (const path of ['/v1/me', '/v1/health', '/v1/catchup?channel=private-x&socket_id=1.1&auth=x&after=0', '/v1/presence'])
    for (const headers of wrong) {
      const r = await s.request('GET', path, { headers })
      assert.ok([401, 429].includes(r.status), `${path} ${JSON.stringify(headers)}: ${r.status}`)
    }
  assert.equal((await me({ authorization: 'Bearer wrong' })).status, 429, 'and too many are too many')
  assert.equal((await s.request('GET', '/v1/me?auth_signature=x')).status, 429)
  assert.equal((await me({})).status, 200, 'nobody may ask on')
  assert.equal((await me({ cookie })).status, 200, 'and so may who proves who he is')
  assert.equal((await s.request('GET', '/up', { headers: wrong[0] })).status, 200)
  await s.close()
})
test('a sign-out with a cookie that has ended is 401, and takes the cookie back all the same', async () => {
  const origin = { origin: server.url }
  const cookie = (await server.request('POST', '/login', { body: JSON.stringify({ token: server.token }), headers: { 'content-type': 'application/json' } })).headers['set-cookie'][0].split(';')[0]
  const out = () => server.request('POST', '/logout', { headers: { cookie, ...origin } })
  assert.equal((await out()).status, 200)
  const again = await out()
  assert.equal(again.status, 401)
  assert.match(again.headers['set-cookie'][0], /^rollcall_page=; .*Max-Age=0/)
  assert.equal((await server.request('POST', '/logout', { headers: origin })).status, 200, 'nobody is signed out at once')
})

// -- one key, two values --

test('a body that says one key twice is 400 at every door, with the key; what is relayed is not looked at', async () => {
  const text = { 'content-type': 'application/json' }
  const own = { ...text, authorization: `Bearer ${server.token}` }
  const c = await server.raw()
  const refused = async (what, reply, key) => {
    assert.equal(reply.status, 400, `${what}: ${reply.status} ${reply.text}`)
    assert.match(reply.json.detail, new RegExp(`'${key}' (stands|is given) twice`), what)
  }
  const post = (path, body, headers = own) => server.request('POST', path, { body, headers })
  await refused('/v1/login', await post('/v1/login', '{"user":"ada","user":"eve"}'), 'user')
  await refused('an escape', await post('/v1/activity', '{"user":"ada","\\u0075ser":"eve","action":"a.b"}'), 'user')
  await refused('inside', await post('/v1/activity', '{"user":"ada","properties":{"a":{"b":1,"b":2}}}'), 'b')
  await refused('a question', await post('/v1/verify', '{"full":true,"full":false}'), 'full')
  await refused('a question in lines', await post('/v1/verify', '{"full":true,"full":false}', { ...own, accept: 'application/x-ndjson' }), 'full')
  await refused('/v1/watch', await post('/v1/watch', '{"token":"a","token":"b"}', text), 'token')
  await refused('/login', await post('/login', `{"token":"x","token":"${server.token}"}`, text), 'token')
  const person = { ...text, authorization: `Bearer ${jwt('ada')}` }
  await refused('channel auth', await post('/broadcasting/auth', `{"socket_id":"1.1","socket_id":"${c.id}","channel_name":"private-presence.ada"}`, person), 'socket_id')
  await refused('channel auth as a form', await post('/broadcasting/auth', `socket_id=1.1&socket_id=${c.id}&channel_name=private-presence.ada`, { ...person, 'content-type': 'application/x-www-form-urlencoded' }), 'socket_id')
  await refused('user auth', await post('/pusher/user-auth', `{"socket_id":"1.1","socket_id":"${c.id}"}`, person), 'socket_id')
  await refused('events', await server.api('POST', '/events', { body: '{"name":"e","channel":"a","channel":"b","data":"{}"}' }), 'channel')
  await refused('batch_events', await server.api('POST', '/batch_events', { body: '{"batch":[{"name":"e","channel":"a","channel":"b","data":"{}"}]}' }), 'channel')
  for (const body of ['{"token"', '[]', '"x"'])
    assert.equal((await post('/login', body, text)).status, 400, body)
  // A person's token whose claims say it twice is nobody's.
  const claims = `{"sub":"ada","sub":"eve","aud":"rollcall","iss":"https://site.example","exp":${Math.floor(Date.now() / 1000) + 600}}`
  const signed = `${b64({ alg: 'HS256', typ: 'JWT' })}.${b64(claims)}`
  const twice = `${signed}.${createHmac('sha256', jwtSecret).update(signed).digest('base64url')}`
  assert.equal((await server.request('GET', '/v1/me', { headers: { authorization: `Bearer ${twice}` } })).status, 401)
  // Over the socket: what we read, and not what is relayed.
  const said = async (message) => {
    c.ws.send(message)
    await c.settled()
    return c.messages.at(-2)
  }
  const twiceSaid = (m) => /stands twice/.test(JSON.stringify(m))
  assert.ok(twiceSaid(await said('{"event":"pusher:subscribe","data":{"channel":"a","channel":"b"}}')))
  assert.ok(twiceSaid(await said('{"event":"pusher:subscribe","event":"pusher:ping","data":{"channel":"b"}}')))
  assert.ok(twiceSaid(await said(JSON.stringify({ event: 'pusher:subscribe', data: '{"channel":"a","channel":"b"}' }))))
  const member = '{"user_id":"ada","user_id":"eve"}'
  assert.ok(twiceSaid(await said(JSON.stringify({ event: 'pusher:subscribe', data: { channel: 'presence-q', channel_data: member, auth: auth(c.id, 'presence-q', member) } }))))
  const other = await server.raw()
  await c.subscribed('private-relay'); await other.subscribed('private-relay')
  c.ws.send('{"event":"client-x","channel":"private-relay","data":{"a":1,"a":2}}')
  await c.settled()
  assert.equal(c.find('pusher:error', 'private-relay'), undefined)
  c.close(); other.close()
})
