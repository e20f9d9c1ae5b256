// Calls of /v1 with the types of /openapi.json; the cookie of POST /login says who asks.
import { ref, watch } from 'vue'
import type { paths } from '../generated/v1'

type Get<P extends keyof paths> = paths[P] extends { get: { responses: { 200: { content: { 'application/json': infer R } } } } } ? R : never
type Post<P extends keyof paths> = paths[P] extends { post: { responses: { 200: { content: { 'application/json': infer R } } } } } ? R : never
type Body<P extends keyof paths> = paths[P] extends { post: { requestBody: { content: { 'application/json': infer B } } } } ? B : never

export type People = Get<'/v1/presence'>
export type Person = People['people'][number]
export type Me = Get<'/v1/me'>
export type Message = Get<'/v1/rooms/{room}/messages'>['messages'][number]
export type Timeline = Get<'/v1/timeline'>
export type Concurrency = Get<'/v1/concurrency'>
export type Heatmap = Get<'/v1/reports/heatmap'>
export type Hours = Get<'/v1/reports/presence'>
export type Explained = Get<'/v1/state'>

/** What the server said no with: RFC 9457, its sentence as the message. `status` 0: no answer at all. */
export class Problem extends Error {
  constructor(readonly status: number, message: string, readonly code = '') {
    super(message)
  }
}

/** Why others' past is read, where the store asks for it: sent with every call, stored with every read. */
export const lookingBecause = ref(sessionStorage.getItem('rollcall-reason') ?? '')
watch(lookingBecause, (reason) => sessionStorage.setItem('rollcall-reason', reason))

type Values = Record<string, string | number | string[] | undefined | null>

function fill(path: string, values: Values): string {
  const rest = { ...values }
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = String(rest[name] ?? '')
    delete rest[name]
    return encodeURIComponent(value)
  })
  const query = new URLSearchParams()
  for (const [key, value] of Object.entries(rest)) {
    if (Array.isArray(value)) value.forEach((one) => query.append(key, one))
    else if (value !== undefined && value !== null && value !== '') query.set(key, String(value))
  }
  return query.size ? `${filled}?${query}` : filled
}

export async function ask(url: string, init: RequestInit = {}): Promise<Response> {
  let response: Response
  try {
    const why: Record<string, string> = lookingBecause.value ? { 'rollcall-reason': encodeURIComponent(lookingBecause.value) } : {}
    response = await fetch(url, { credentials: 'same-origin', ...init, headers: { ...why, ...(init.headers as Record<string, string> | undefined) } })
  } catch {
    throw new Problem(0, 'The server does not answer.')
  }
  if (!response.ok) {
    let said: { detail?: string; code?: string } = {}
    try {
      said = (await response.json()) as typeof said
    } catch { /* not JSON: the status must do */ }
    throw new Problem(response.status, said.detail ?? `The server answered ${response.status}.`, said.code)
  }
  return response
}

export const get = async <P extends keyof paths>(path: P, values: Values = {}, signal?: AbortSignal): Promise<Get<P>> =>
  (await ask(fill(path, values), signal ? { signal } : {})).json()

export const post = async <P extends keyof paths>(path: P, body: Body<P>, values: Values = {}, headers: Record<string, string> = {}): Promise<Post<P>> =>
  (await ask(fill(path, values), { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json', ...headers } })).json()

export const remove = (path: keyof paths, values: Values): Promise<Response> => ask(fill(path, values), { method: 'DELETE' })
