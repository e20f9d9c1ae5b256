// What tests of who gets in share: questions by hand, tokens, requests that go on, processes.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import { join } from 'node:path'
import { Server, binary, run, scratch } from './server.mjs'

export const json = (body, headers = {}) => ({ body: JSON.stringify(body), headers: { 'content-type': 'application/json', ...headers } })
export const cookieOf = (reply) => reply.headers['set-cookie'][0].split(';')[0]

/**
 * A question under its path below /v1: the answer as one object in `json`; with `lines` its lines, taken apart.
 * `error` is that of the lines, `code` and `detail` those of either kind of refusal.
 */
export async function ask(server, method, path, { token = server.token, body, lines = false, headers = {} } = {}) {
  const reply = await server.v1(method, path, { token, body, headers: { ...(lines ? { accept: 'application/x-ndjson' } : {}), ...headers } })
  const got = { status: reply.status, headers: reply.headers, text: reply.text, json: reply.json, rows: [], end: undefined, error: undefined }
  if (lines && reply.status === 200) Object.assign(got, taken(reply.text))
  const refused = got.error ?? (reply.status === 200 ? undefined : reply.json)
  return { ...got, code: refused?.code, detail: refused?.detail, ok: reply.status === 200 && !got.error && (!lines || got.end !== undefined) }
}
/** The lines of an answer, those that have come whole. */
export function taken(text) {
  const out = { rows: [], ends: [], end: undefined, error: undefined }
  for (const line of text.split('\n').slice(0, -1).map((l) => JSON.parse(l))) {
    if ('row' in line) out.rows.push(line.row)
    if ('end' in line) out.ends.push((out.end = line.end))
    if ('error' in line) out.error = line.error
  }
  return out
}
/** What goes on with what is appended: GET /v1/events in lines. */
export const following = (server, token, query = '') =>
  streaming(server, 'GET', `/v1/events?follow=true${query}`, { ...bearer(token), accept: 'application/x-ndjson' })

/** A store with a long history: more than what waits on the way to a client that does not read. */
export async function longHistory(events = 60_000) {
  const data = scratch(), file = join(data, 'events.ndjson'), at = Date.parse('2026-01-01T00:00:00Z')
  const line = (i) => JSON.stringify({ at: new Date(at + i * 1000).toISOString(), type: i < 10 ? 'login' : 'activity', user: `u${i % 10}`, ...(i < 10 ? {} : { action: 'page.viewed', description: `${i} `.padEnd(200, 'x') }) })
  writeFileSync(file, Array.from({ length: events }, (_, i) => line(i)).join('\n'))
  const imported = await run(['-d', data, 'import', file])
  assert.equal(imported.code, 0, imported.err)
  return data
}
/** Asks for all of it in lines, reads the beginning and no more until `res.resume()`. */
export function askSlowly(server, token) {
  return new Promise((done, fail) => {
    const req = http.get({ host: '127.0.0.1', port: server.port, agent: false, path: '/v1/events', headers: { ...bearer(token), accept: 'application/x-ndjson' } }, (res) => {
      const out = { req, res, said: '', over: false }
      res.on('close', () => { out.over = true })
      res.on('error', () => {})
      res.once('data', (d) => { out.said += d; res.on('data', (more) => (out.said += more)); res.pause(); done(out) })
    })
    req.on('error', fail)
  })
}

/** A token made on the server's store; `scopes` and what else the command takes. */
export async function tokenFor(server, name, scopes, ...more) {
  const made = await run(['-d', server.data, ...more.filter((m) => m.startsWith('--app')), 'token', 'create', name, ...scopes.flatMap((s) => ['--scope', s]), ...more.filter((m) => !m.startsWith('--app'))])
  assert.equal(made.code, 0, made.err)
  return made.out.trim()
}
export const withToken = (token) => ({ headers: { authorization: `Bearer ${token}` } })
export const works = async (server, token, of = '') => (await server.request('GET', `/v1/presence${of}`, withToken(token))).status

/** What runs below a process, by /proc; a zombie runs no more. */
function processes() {
  const out = []
  for (const name of readdirSync('/proc').filter((n) => /^\d+$/.test(n))) {
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8')
      const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      if (state !== 'Z' && state !== 'X') out.push({ pid: Number(name), parent: Number(parent) })
    } catch { /* it has ended meanwhile */ }
  }
  return out
}
export const childrenOf = (pid) => processes().filter((p) => p.parent === pid).map((p) => p.pid)
export const alive = (pid) => processes().some((p) => p.pid === pid)

const running = [], servers = []
/** A server that ends with the tests, however they went. */
export async function serve(options) {
  const made = await Server.start(options)
  servers.push(made)
  return made
}
/** Ends what a test that failed left running. */
export async function endAll() {
  for (const child of running) if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
  for (const s of servers) if (s.child.exitCode === null && s.child.signalCode === null) await s.close()
}

/** A command of the command line that goes on. */
export function start(args, env = {}, command_ = binary) {
  const child = spawn(command_, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } })
  const out = { child, out: '', err: '', ended: undefined }
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8') // a letter may come in two pieces
  child.stdout.on('data', (d) => (out.out += d))
  child.stderr.on('data', (d) => (out.err += d))
  child.on('exit', (code, signal) => { out.ended = { code, signal } })
  running.push(child)
  return out
}

/** A request whose answer goes on: what it said, and whether it is over. */
export function streaming(server, method, path, headers, body) {
  const out = { said: '', status: undefined, over: false }
  out.req = http.request({ host: '127.0.0.1', port: server.port, agent: false, method, path, headers: { 'content-type': 'application/json', ...headers } }, (res) => {
    out.status = res.statusCode
    res.on('data', (d) => (out.said += d))
    res.on('close', () => { out.over = true })
    res.on('error', () => {})
  })
  out.req.on('error', () => { out.over = true })
  out.req.end(body)
  return out
}
export const bearer = (token) => ({ authorization: `Bearer ${token}` })

/** Every read that the log holds; `more`: a reason, where the store asks for one. */
export async function reads(server, ...more) {
  const got = await run(['-d', server.data, ...more, 'audit', '-e', 'history_read', '-o', 'ndjson'])
  assert.equal(got.code, 0, got.err)
  return got.out.trim().split('\n').filter(Boolean).map((l) => JSON.parse(l)).map((e) => ({ subject: e.subject_number ?? 0, what: e.detail?.what ?? '', by: e.detail?.by ?? '', seq: e.seq }))
}
