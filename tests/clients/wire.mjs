// What tests that write bytes by themselves share: sockets, answers as text, tokens as a site makes them.
import { createHmac } from 'node:crypto'
import net from 'node:net'
import { until } from './server.mjs'

export const jwtSecret = 'a-shared-secret-of-the-site'
export const jwtSettings = `[[apps.jwt]]\nalgorithm = "HS256"\nkey = "${jwtSecret}"\naudience = "rollcall"\nissuer = "https://site.example"`
export const b64 = (x) => Buffer.from(typeof x === 'string' ? x : JSON.stringify(x)).toString('base64url')
export const jwt = (sub, scope = '', seconds = 600) => {
  const claims = { sub, scope, aud: 'rollcall', iss: 'https://site.example', exp: Math.floor(Date.now() / 1000) + seconds }
  const text = `${b64({ alg: 'HS256', typ: 'JWT' })}.${b64(claims)}`
  return `${text}.${createHmac('sha256', jwtSecret).update(text).digest('base64url')}`
}

/** A socket on which bytes are written as they are; `text` is what came, `over` how the other side ended. */
export function open(port, connect = (done) => net.connect({ port, host: '127.0.0.1', allowHalfOpen: true }, done)) {
  return new Promise((ready, fail) => {
    const s = connect(() => ready(s))
    s.text = ''
    s.setEncoding('latin1')
    s.on('data', (d) => (s.text += d))
    s.on('end', () => (s.over = 'end'))
    s.on('error', (e) => { s.over = e.code; fail(e) })
  })
}
/** Writes the bytes and gives what is answered until the other side ends. */
export async function said(port, bytes, connect) {
  const s = await open(port, connect)
  s.write(bytes)
  await until(() => s.over, 'an end')
  s.destroy()
  return s.text
}
export const status = (text) => Number(text.match(/^HTTP\/1\.1 (\d+)/)?.[1])
export const header = (text, name) => text.split('\r\n\r\n')[0].match(new RegExp(`^${name}: (.*)$`, 'im'))?.[1]
export const detail = (text) => JSON.parse(text.slice(text.indexOf('\r\n\r\n') + 4)).detail
