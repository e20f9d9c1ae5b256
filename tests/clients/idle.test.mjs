// Connections on which nothing happens: the server speaks often enough for whatever is in between.
import test from 'node:test'
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { createServer } from 'node:net'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Server, Raw, app, scratch, until } from './server.mjs'

const program = existsSync('/usr/sbin/nginx') ? '/usr/sbin/nginx' : 'nginx'
/** A real nginx in front of the server, its time-outs those of its defaults unless told otherwise. */
async function nginx(port, settings = '') {
  const dir = scratch()
  const probe = createServer()
  await new Promise((done) => probe.listen(0, '127.0.0.1', done))
  const own = probe.address().port
  await new Promise((done) => probe.close(done))
  writeFileSync(join(dir, 'nginx.conf'), `daemon off; master_process off; worker_processes 1; pid ${dir}/pid; error_log ${dir}/error.log;
events { worker_connections 64; }
http {
  access_log off; client_body_temp_path ${dir}/a; proxy_temp_path ${dir}/b; fastcgi_temp_path ${dir}/c; uwsgi_temp_path ${dir}/d; scgi_temp_path ${dir}/e;
  server { listen 127.0.0.1:${own};
    location / { proxy_pass http://127.0.0.1:${port}; proxy_http_version 1.1; proxy_set_header Host 127.0.0.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade"; ${settings} } } }
`)
  const child = spawn(program, ['-c', join(dir, 'nginx.conf'), '-e', join(dir, 'error.log')], { stdio: 'ignore' })
  const exited = new Promise((done) => child.on('exit', done))
  const url = `ws://127.0.0.1:${own}/app/${app.key}?protocol=7`
  await until(async () => (await fetch(`http://127.0.0.1:${own}/up`).catch(() => undefined))?.ok, 'nginx')
  return { url, stop: () => { child.kill(); return exited } }
}
const without = spawnSync(program, ['-v']).error ? 'nginx is not installed' : false

test('a client that talks and is never answered is spoken to all the same', async () => {
  // Client events have no answer: the server hears something all the time and would say nothing.
  const s = await Server.start({ settings: 'activity_timeout = 1\nclient_events_per_s = 100' })
  const c = await s.raw()
  await c.subscribed('private-alone')
  let pings = 0
  c.ws.on('ping', () => pings++)
  const talk = setInterval(() => c.send('client-x', {}, 'private-alone'), 200)
  await until(() => pings >= 2, 'two pings', 15000)
  clearInterval(talk)
  assert.equal(c.all('pusher:error').length, 0)
  c.close()
  await s.close()
})

test('an idle page lives behind nginx, in proportion', { skip: without, timeout: 60000 }, async () => {
  const s = await Server.start({ settings: 'activity_timeout = 1\npong_timeout = 5' })
  const proxy = await nginx(s.port, 'proxy_read_timeout 5s;')
  const idle = await Raw.open(proxy.url)
  let pings = 0
  idle.ws.on('ping', () => pings++)  // ws answers it, as a browser does without the page
  const cut = await Promise.race([idle.closed.then(() => true), until(() => pings >= 4, 'pings over two of its time-outs', 30000).then(() => false)])
  assert.equal(cut, false)
  idle.close()
  await proxy.stop()
  await s.close()
})

test('an idle page lives behind nginx for minutes, both with their defaults', { skip: without || (process.env.ROLLCALL_ROUNDS ? false : 'two minutes: ./dev check --full'), timeout: 300000 }, async () => {
  const s = await Server.start({})
  const proxy = await nginx(s.port)
  const idle = await Raw.open(proxy.url)
  assert.ok(JSON.parse(idle.messages[0].data).activity_timeout <= 55)
  let pings = 0
  idle.ws.on('ping', () => pings++)
  const cut = await Promise.race([idle.closed.then(() => true), until(() => pings >= 3, 'pings over three minutes', 200000).then(() => false)])
  assert.equal(cut, false)
  idle.close()
  await proxy.stop()
  await s.close()
})

test('what a client is told by default is less than nginx\'s minute', async () => {
  const s = await Server.start({})
  const c = await s.raw()
  const told = JSON.parse(c.messages[0].data).activity_timeout
  assert.ok(told >= 30 && told <= 55, `${told}`)
  c.close()
  await s.close()
})
