// Starts the real server for a test, on a port the system chooses, and stops it by its own id.
import { spawn } from 'node:child_process'
import { createHmac, createHash } from 'node:crypto'
import { mkdtempSync, renameSync, rmSync, writeFileSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import http from 'node:http'
import WebSocket from 'ws'

export const binary =
  process.env.ROLLCALL_BINARY ?? new URL('../../build/release/cli/rollcall', import.meta.url).pathname

export const app = { id: 'main', key: '278d425bdf160c739803', secret: '7ad3773142a6692b25b8' }

/** Under a sanitizer everything takes several times as long, and the limit of memory is off (its shadows are larger). */
export const sanitized = !!process.env.ROLLCALL_SANITIZED
const patience = sanitized ? 5 : 1

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms))

/** Until `check` gives something true, which is returned; looks again every few milliseconds. */
export async function until(check, what = 'what was awaited', ms = 8000) {
  const end = Date.now() + ms * patience
  for (;;) {
    const value = await check()
    if (value) return value
    if (Date.now() > end) throw new Error(`${what} did not happen within ${ms} ms`)
    await sleep(5)
  }
}

const folders = []
/** A folder of this process's own, gone when it ends. */
export function scratch() {
  const made = mkdtempSync(join(tmpdir(), 'rollcall-clients-'))
  folders.push(made)
  return made
}
process.on('exit', () => { for (const made of folders) rmSync(made, { recursive: true, force: true }) })

export class Server {
  /** `settings`: lines of the app's table; `top`: lines before it; `limits`: lines of that table; `args`: of `serve`. */
  static async start({ settings = '', top = '', limits = '', args = [], data, port = 0, env = {}, tls } = {}) {
    const server = new Server()
    server.data = data ?? scratch()
    server.own = !data
    writeFileSync(
      join(server.data, 'rollcall.toml'),
      `${top}\n[limits]\ndrain_ms = 300\n${limits}\n[[apps]]\nid = "${app.id}"\nkey = "${app.key}"\nsecret = "${app.secret}"\n${settings}\n`,
      { mode: 0o600 })
    server.args = ['-d', server.data, 'serve', '--listen', `127.0.0.1:${port}`, ...args]
    server.env = env
    await server.launch()
    return server
  }

  /** The past of a store, played: `args` of `replay` besides --listen. */
  static async replay(data, args = [], { reason = 'incident 7' } = {}) {
    const server = new Server()
    server.data = data
    server.args = ['-d', data, ...(reason ? ['--reason', reason] : []), 'replay', '--listen', '127.0.0.1:0', ...args]
    server.env = {}
    await server.launch()
    return server
  }

  async launch() {
    this.log = ''
    this.out = ''
    this.child = spawn(binary, this.args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...this.env },
    })
    this.exited = new Promise((done) => this.child.on('exit', (code, signal) => done({ code, signal })))
    this.child.stderr.on('data', (d) => (this.log += d))
    this.child.stdout.on('data', (d) => (this.out += d))
    let gone
    this.exited.then((how) => (gone = how))
    await until(() => {
      if (gone) throw new Error(`the server ended at once (${JSON.stringify(gone)}): ${this.log}`)
      return this.out.includes('listening on')
    }, 'listening', 60000)
    this.url = this.out.match(/listening on (\S+)/)[1]
    this.port = Number(new URL(this.url).port)
    this.token = readFileSync(join(this.data, 'admin.token'), 'utf8').trim()
  }

  async stop(signal = 'SIGTERM') {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill(signal)
    const how = await this.exited
    // An error that is logged, or a sanitizer's report, fails the test that caused it.
    const report = this.log.match(/(ERROR: (Address|Leak)Sanitizer|WARNING: ThreadSanitizer|runtime error:)[^]*/)
    if (report) throw new Error(report[0].slice(0, 6000))
    if (how.code !== 0 && signal !== 'SIGKILL') throw new Error(`the server ended with ${JSON.stringify(how)}: ${this.log.slice(-2000)}`)
    return how
  }

  async close() {
    const how = await this.stop()
    if (this.own) rmSync(this.data, { recursive: true, force: true })
    return how
  }

  /** Runs a command of the command line on the server's store. */
  async cli(...args) {
    return run(['-d', this.data, ...args])
  }

  /** The same, answered by the folder itself: who finds the server's socket there would ask the server. */
  async byItself(...args) {
    const socket = join(this.data, 'socket')
    renameSync(socket, `${socket}.hidden`)
    try {
      return await this.cli(...args)
    } finally {
      renameSync(`${socket}.hidden`, socket)
    }
  }

  request(method, path, { body, headers = {}, host } = {}) {
    return new Promise((done, fail) => {
      const req = http.request(
        { host: '127.0.0.1', port: this.port, method, path, agent: false,
          headers: { ...(host ? { host } : {}), ...(body ? { 'content-length': Buffer.byteLength(body) } : {}), ...headers } },
        (res) => {
          let text = ''
          res.on('data', (d) => (text += d))
          res.on('end', () => {
            let json
            try { json = JSON.parse(text) } catch { /* not every answer is JSON */ }
            done({ status: res.statusCode, headers: res.headers, text, json })
          })
        })
      req.on('error', fail)
      req.end(body)
    })
  }

  /** A call of the Pusher HTTP API, signed here by hand. */
  api(method, path, { query = {}, body, at = Math.floor(Date.now() / 1000), key = app.key, secret = app.secret, change = (x) => x } = {}) {
    const text = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body)
    const parameters = { ...query, auth_key: key, auth_timestamp: String(at), auth_version: '1.0' }
    if (text) parameters.body_md5 = createHash('md5').update(text).digest('hex')
    const sorted = Object.keys(parameters).sort().map((k) => `${k}=${parameters[k]}`).join('&')
    const full = `/apps/${app.id}${path}`
    const signature = createHmac('sha256', secret).update(`${method}\n${full}\n${sorted}`).digest('hex')
    const encoded = Object.keys(parameters).sort().map((k) => `${k}=${encodeURIComponent(parameters[k])}`).join('&')
    return this.request(method, `${full}?${encoded}&auth_signature=${signature}`,
      { body: text ? change(text) : undefined, headers: text ? { 'content-type': 'application/json' } : {} })
  }

  trigger(channel, name, data, extra = {}) {
    return this.api('POST', '/events', { body: { name, channel, data: typeof data === 'string' ? data : JSON.stringify(data), ...extra } })
  }

  v1(method, path, { body, token = this.token, headers = {} } = {}) {
    return this.request(method, `/v1${path}`, {
      body: body === undefined ? undefined : JSON.stringify(body),
      headers: { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}), ...headers },
    })
  }

  raw(query = '?protocol=7&client=js&version=8.6.0&flash=false', options = {}) {
    return Raw.open(`ws://127.0.0.1:${this.port}/app/${app.key}${query}`, options)
  }
}

export function run(args, env = {}) {
  return new Promise((done) => {
    const child = spawn(binary, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } })
    let out = '', err = ''
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8') // a letter may come in two pieces
    child.stdout.on('data', (d) => (out += d))
    child.stderr.on('data', (d) => (err += d))
    child.on('close', (code) => done({ code, out, err })) // by then all it said has come
  })
}

export const sign = (text, secret = app.secret) => createHmac('sha256', secret).update(text).digest('hex')
export const auth = (socket, channel, data) =>
  `${app.key}:${sign(data === undefined ? `${socket}:${channel}` : `${socket}:${channel}:${data}`)}`
export const userAuth = (socket, data) => `${app.key}:${sign(`${socket}::user::${data}`)}`

/** A bare WebSocket that keeps every message it got. */
export class Raw {
  static async open(url, options = {}) {
    const raw = new Raw()
    raw.messages = []
    raw.ws = new WebSocket(url, options)
    raw.closed = new Promise((done) => raw.ws.on('close', (code, reason) => done({ code, reason: reason.toString() })))
    raw.ws.on('message', (data) => raw.messages.push(JSON.parse(data.toString())))
    raw.failed = new Promise((done) => raw.ws.on('error', (e) => done(e)))
    raw.ws.on('unexpected-response', (req, res) => { raw.refused = res.statusCode })
    await Promise.race([raw.closed, until(() => raw.messages.length > 0 || raw.refused, 'a first message', 15000)])
    const hello = raw.messages[0]
    if (hello?.event === 'pusher:connection_established') raw.id = JSON.parse(hello.data).socket_id
    return raw
  }
  send(event, data, channel) {
    this.ws.send(JSON.stringify(channel ? { event, data, channel } : { event, data }))
  }
  subscribe(channel, member) {
    const data = { channel }
    if (member !== undefined) {
      data.channel_data = typeof member === 'string' ? member : JSON.stringify(member)
      data.auth = auth(this.id, channel, data.channel_data)
    } else if (/^(private|presence)-/.test(channel)) {
      data.auth = auth(this.id, channel)
    }
    this.send('pusher:subscribe', data)
  }
  signIn(user) {
    const data = JSON.stringify(typeof user === 'string' ? { id: user } : user)
    this.send('pusher:signin', { auth: userAuth(this.id, data), user_data: data })
  }
  find(event, channel) {
    return this.messages.find((m) => m.event === event && (!channel || m.channel === channel))
  }
  all(event, channel) {
    return this.messages.filter((m) => m.event === event && (!channel || m.channel === channel))
  }
  async wait(event, channel, ms) {
    return until(() => this.find(event, channel), `${event} ${channel ?? ''}`, ms)
  }
  async subscribed(channel, member) {
    this.subscribe(channel, member)
    return this.wait('pusher_internal:subscription_succeeded', channel)
  }
  /** Everything the server had to say before this point has arrived. */
  async settled() {
    const before = this.all('pusher:pong').length
    this.send('pusher:ping', {})
    await until(() => this.all('pusher:pong').length > before, 'a pong')
  }
  close() { this.ws.close() }
  kill() { this.ws.terminate() }
}
