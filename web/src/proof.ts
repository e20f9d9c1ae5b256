// Checks an event in the browser: the path from its header to the root, who signed the root, and that every
// word shown of it is in the header, in the body whose digest the header holds, or in the signed body of the
// event that gave a number its name.
//
// Formats: c2sp.org/tlog-proof, c2sp.org/tlog-checkpoint, c2sp.org/signed-note; hashing: RFC 6962; the header
// and the body: docs/log-format.md. Nothing of it asks the server: what is compared against is the key that
// this browser remembers.

/** `ok` of a step: undefined where it is no check but says what is not signed. `facts`: the event as it was signed. */
export interface Verdict { ok: boolean; steps: { text: string; ok: boolean | undefined }[]; facts: [string, string][]; size?: number; key?: string }

const HEADER = 112
const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
const hexOf = (bytes: Uint8Array): string => Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('')

const bytesOf = (base64: string): Uint8Array => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))
const sha256 = async (...parts: Uint8Array[]): Promise<Uint8Array> => {
  const all = new Uint8Array(parts.reduce((n, p) => n + p.length, 0))
  let at = 0
  for (const part of parts) all.set(part, at), (at += part.length)
  return new Uint8Array(await crypto.subtle.digest('SHA-256', all))
}
const same = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && a.every((byte, i) => byte === b[i])
const whole = (text: string, what: string): bigint => {
  if (!/^(0|[1-9][0-9]{0,18})$/.test(text)) throw new Error(`${what} is not a number`)
  return BigInt(text)
}

/** RFC 9162 section 2.1.3.2: the root that the path leads to. */
export async function rootOf(leaf: Uint8Array, index: bigint, size: bigint, path: Uint8Array[]): Promise<Uint8Array> {
  if (index >= size) throw new Error('the event lies beyond the signed log')
  let fn = index
  let sn = size - 1n
  let hash = await sha256(Uint8Array.of(0), leaf)
  for (const node of path) {
    if (sn === 0n) throw new Error('the path is too long')
    if (fn % 2n === 1n || fn === sn) {
      hash = await sha256(Uint8Array.of(1), node, hash)
      while (fn % 2n === 0n && fn !== 0n) (fn >>= 1n), (sn >>= 1n)
    } else {
      hash = await sha256(Uint8Array.of(1), hash, node)
    }
    fn >>= 1n
    sn >>= 1n
  }
  if (sn !== 0n) throw new Error('the path is too short')
  return hash
}

interface Read { header: Uint8Array; origin: string; size: bigint }

/** A receipt, step by step: what it proves to be in the signed log. */
async function readReceipt(receipt: string, vkey: string, step: (ok: boolean, text: string) => boolean): Promise<Read> {
  const split = receipt.indexOf('\n\n')
  const head = receipt.slice(0, split).split('\n')
  if (split < 0 || head.shift() !== 'c2sp.org/tlog-proof@v1') throw new Error('this is not a tlog-proof')
  const header = head[0]?.startsWith('extra ') ? bytesOf(head.shift()!.slice(6)) : undefined
  if (!header) throw new Error('the receipt does not hold the event itself')
  if (header.length < HEADER) throw new Error('the event in the receipt is cut short')
  if (!head[0]?.startsWith('index ')) throw new Error('the receipt has no index')
  const index = whole(head.shift()!.slice(6), 'the index')
  const path = head.map(bytesOf)
  if (path.some((h) => h.length !== 32) || path.length > 63) throw new Error('the path is malformed')

  const note = receipt.slice(split + 2)
  const end = note.indexOf('\n\n')
  const text = note.slice(0, end + 1)
  const [origin, sizeText, rootText] = text.split('\n')
  if (end < 0 || !origin || !rootText) throw new Error('the checkpoint is malformed')
  const size = whole(sizeText ?? '', 'the size')

  const claimed = viewOf(header).getBigUint64(8, true)
  step(index === claimed - 1n, `The receipt is about event #${claimed}.`)
  step(same(await rootOf(header, index, size, path), bytesOf(rootText)), `The event leads to the root of ${size} events over ${path.length} hashes.`)

  const [name, idHex, keyText] = vkey.split('+').length > 3 ? [vkey.split('+')[0], vkey.split('+')[1], vkey.split('+').slice(2).join('+')] : vkey.split('+')
  const key = bytesOf(keyText ?? '')
  if (key[0] !== 1 || key.length !== 33) throw new Error('the known key is not an Ed25519 key')
  const id = (await sha256(new TextEncoder().encode(`${name}\n`), key)).slice(0, 4)
  step(hexOf(id) === idHex, `The key is whole: ${name}+${idHex}.`)
  step(origin === name, `The checkpoint is of the log ${origin}.`)
  const imported = await crypto.subtle.importKey('raw', key.slice(1), { name: 'Ed25519' }, false, ['verify'])
  let signed = false
  for (const line of note.slice(end + 2).split('\n')) {
    const parts = /^— (\S+) (\S+)$/.exec(line)
    if (!parts || parts[1] !== name) continue
    const signature = bytesOf(parts[2]!)
    if (!same(signature.slice(0, 4), id)) continue
    signed ||= await crypto.subtle.verify({ name: 'Ed25519' }, imported, signature.slice(4), new TextEncoder().encode(text))
  }
  step(signed, 'The checkpoint bears the signature of that key.')
  return { header, origin, size }
}

/** A receipt alone: that the event of this number is in the signed log; not what it says. `vkey`: as `rollcall key show` prints it. */
export async function verifyReceipt(receipt: string, vkey: string, seq: number): Promise<Verdict> {
  const steps: Verdict['steps'] = []
  const step = (ok: boolean | undefined, text: string): boolean => (steps.push({ ok, text }), !!ok)
  try {
    const { header, size } = await readReceipt(receipt, vkey, step)
    const about = viewOf(header).getBigUint64(8, true)
    if (about !== BigInt(seq)) step(false, `Event #${seq} is shown, event #${about} is proven.`)
    return { ok: steps.every((s) => s.ok), steps, facts: [], size: Number(size), key: vkey.split('+').slice(0, 2).join('+') }
  } catch (error) {
    step(false, `${(error as Error).message}.`)
    return { ok: false, steps, facts: [] }
  }
}

/** What `show SEQ --proof -o json` gives as `proof` (replay/event_proof.h): bodies are salt ‖ plain body. */
export interface Proof { receipt: string; body?: string; names: { receipt: string; body?: string }[] }

interface Header {
  kind: string; cause: string; flags: number; user: number; seq: number; at: bigint; session: bigint; bodyLength: number
  a: bigint; b: bigint; c: bigint; d: bigint; digest: Uint8Array
}
const kinds = ['none', 'user_enrolled', 'login', 'logout', 'activity', 'inactivity', 'link_up', 'link_down', 'node_up', 'node_down', 'status_set', 'status_cleared', 'joined', 'left', 'policy_set', 'action_named', 'channel_named', 'state_digest', 'alive_mark', 'clock_step', 'erase_requested', 'user_erased', 'hold_set', 'hold_released', 'history_read', 'retention_applied', 'import_began', 'import_ended', 'log_continued']
const causes = ['', 'login', 'connect', 'resync', 'logout', 'revoked', 'superseded', 'grace_expired', 'ttl_expired', 'erased', 'idle_timeout', 'client_hint', 'clean', 'abort', 'timeout', 'drain', 'crash', 'restart', 'user', 'expired', 'admin']

/** docs/log-format.md: 112 bytes, little-endian. */
function decodeHeader(bytes: Uint8Array): Header {
  const v = viewOf(bytes)
  return {
    kind: kinds[v.getUint8(0)] ?? 'unknown', cause: causes[v.getUint8(1)] ?? 'unknown', flags: v.getUint16(2, true), user: v.getUint32(4, true),
    seq: Number(v.getBigUint64(8, true)), at: v.getBigInt64(16, true), session: v.getBigUint64(24, true), bodyLength: v.getUint32(44, true),
    a: v.getBigUint64(48, true), b: v.getBigUint64(56, true), c: v.getBigUint64(64, true), d: v.getBigUint64(72, true), digest: bytes.slice(80, HEADER),
  }
}

const texts = ['name', 'action', 'description', 'logName', 'targetType', 'targetId', 'properties', 'changes', 'address', 'agent', 'device', 'requestId', 'batch', 'externalKey', 'statusText', 'emoji', 'reason', 'ticket', 'detail'] as const
export type Body = Partial<Record<(typeof texts)[number], string>> & { occurredAt: bigint }

/** A plain body: one packed Cap'n Proto struct (store/event.capnp, Body). */
export function decodeBody(packed: Uint8Array): Body {
  const out: number[] = []
  for (let i = 0; i < packed.length;) {
    const tag = packed[i++]!
    for (let bit = 0; bit < 8; bit++) out.push((tag >> bit) & 1 ? packed[i++] ?? 0 : 0)
    if (tag === 0) for (let n = (packed[i++] ?? 0) * 8; n > 0; n--) out.push(0)
    if (tag === 255) for (let n = (packed[i++] ?? 0) * 8; n > 0; n--) out.push(packed[i++] ?? 0)
    if (out.length > 1 << 17) throw new Error('a body longer than any that is written')
  }
  const bytes = Uint8Array.from(out)
  const v = viewOf(bytes)
  const data = 8 + (v.getInt32(0, true) >> 2) * 8
  const dataWords = v.getUint16(4, true)
  const pointers = v.getUint16(6, true)
  const body: Body = { occurredAt: dataWords > 0 ? v.getBigInt64(data, true) : 0n }
  for (let i = 0; i < Math.min(pointers, texts.length); i++) {
    const at = data + (dataWords + i) * 8
    const low = v.getInt32(at, true)
    const high = v.getUint32(at + 4, true)
    if (low === 0 && high === 0) continue
    if ((low & 3) !== 1 || (high & 7) !== 2) throw new Error('a body with a field that is no text')
    const start = at + 8 + (low >> 2) * 8
    const length = (high >>> 3) - 1
    if (start < 0 || length < 0 || start + length > bytes.length) throw new Error('a body with a text beyond its end')
    body[texts[i]!] = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes.subarray(start, start + length))
  }
  return body
}

/** The body that `base64` (salt ‖ plain) holds, where it fits the digest in the header. */
async function openBody(header: Header, base64: string | undefined): Promise<Body | undefined> {
  if (base64 === undefined) return undefined
  const bytes = bytesOf(base64)
  const digest = await sha256(new TextEncoder().encode('rollcall/body/v1\0'), bytes)
  if (bytes.length - 32 !== header.bodyLength || !same(digest, header.digest)) throw new Error(`the texts of event #${header.seq} do not fit the digest that was signed`)
  return decodeBody(bytes.slice(32))
}

export function rfc3339(micros: bigint): string {
  const part = ((micros % 1_000_000n) + 1_000_000n) % 1_000_000n
  return new Date(Number((micros - part) / 1000n)).toISOString().slice(0, 19) + `.${String(part).padStart(6, '0')}Z`
}

/** JSON that was logged as text; what does not parse was shown as it is. */
const json = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** The event as rollcall shows it (replay/event_view.cc), from proven bytes and proven names alone. */
function eventOf(h: Header, b: Body | undefined, user: string, action: string): Record<string, unknown> {
  const o: Record<string, unknown> = { seq: h.seq, at: rfc3339(h.at), kind: h.kind }
  const put = (key: string, value: unknown) => { if (value !== undefined && value !== '') o[key] = value }
  put('cause', h.cause)
  if (h.user !== 0) (o.user = user), (o.user_number = h.user)
  if (h.session !== 0n && h.session !== 0xffff_ffff_ffff_ffffn) o.session = Number(h.session)
  put('action', action)
  if (b?.targetType || b?.targetId) o.target = { type: b.targetType ?? '', id: b.targetId ?? '' }
  put('description', b?.description)
  put('log_name', b?.logName)
  if (b?.properties) o.properties = json(b.properties)
  if (b?.changes) o.attribute_changes = json(b.changes)
  put('batch', b?.batch)
  put('request_id', b?.requestId)
  const context = Object.fromEntries(Object.entries({ address: b?.address, agent: b?.agent, device: b?.device, session: b?.externalKey }).filter(([, value]) => value))
  if (Object.keys(context).length) o.context = context
  put('status_text', b?.statusText)
  put('emoji', b?.emoji)
  put('name', b?.name)
  put('reason', b?.reason)
  put('ticket', b?.ticket)
  if (b?.detail) o.detail = json(b.detail)
  if (b?.occurredAt) o.occurred_at = rfc3339(b.occurredAt)
  if (['erase_requested', 'hold_set', 'hold_released', 'history_read'].includes(h.kind) && h.a !== 0n) o.subject_number = Number(h.a)
  if (h.kind === 'state_digest') o.digest = hexOf(h.digest)
  return o
}

/** What a kind says beside its texts (replay/particulars.cc): numbers of the header, and names proven like the others. */
function particularsOf(h: Header, b: Body | undefined, channel: string, subject: string): Record<string, unknown> {
  const o: Record<string, unknown> = {}
  const put = (key: string, value: unknown) => { if (value !== undefined && value !== '') o[key] = value }
  const n = (key: string, value: bigint) => (o[key] = Number(value))
  const time = (key: string, micros: bigint) => { if (micros > 0n && micros < 253_402_300_800_000_000n) o[key] = rfc3339(micros) }
  const node = (word: bigint) => { if (word !== 0n) n('node', word >> 32n), n('node_epoch', word & 0xffff_ffffn) }
  const about = () => { if (h.a !== 0n) put('subject', subject), n('subject_number', h.a & 0xffff_ffffn) }
  const detail = (...keys: string[]): string | undefined => {
    const d = json(b?.detail ?? '') as Record<string, unknown> | null
    return d && typeof d === 'object' ? (keys.map((k) => d[k]).find((v) => typeof v === 'string' && v !== '') as string | undefined) : undefined
  }
  const signed = (word: bigint) => BigInt.asIntN(64, word)
  switch (h.kind) {
    case 'logout': if (h.cause === 'grace_expired' || h.cause === 'ttl_expired') n('basis', h.a); break
    case 'activity':
      if (h.flags & 8) about()
      if (h.flags & 0x10) o.touch = true
      if (h.b !== 0n) n('producer_no', h.b)
      time('active_at', signed(h.d))
      break
    case 'inactivity': time('last_activity', signed(h.b)); break
    case 'link_up': case 'link_down': n('connection', h.a), node(h.b); break
    case 'node_up': case 'node_down': node(h.a), time('last_heard', signed(h.b)); break
    case 'status_set':
      o.shown_as = (h.flags & 3) === 1 ? 'away' : (h.flags & 3) === 2 ? 'invisible' : 'none'
      if (h.flags & 4) o.do_not_disturb = true
      time('until', signed(h.a))
      break
    case 'status_cleared': if (h.cause === 'expired') n('basis', h.b); break
    case 'joined': case 'left': put('channel', channel), n('channel_number', h.a), node(h.b); break
    case 'policy_set':
      o.idle_after_s = Number(h.a & 0xffff_ffffn) / 1e3
      n('ttl_s', h.a >> 32n)
      ;['grace_clean_s', 'grace_abort_s', 'grace_node_s', 'grace_drain_s'].forEach((key, i) => n(key, (h.b >> BigInt(16 * i)) & 0xffffn))
      n('sessions_max', h.c & 0xffff_ffffn)
      if (h.d === 1n) o.reads_need_reason = true
      break
    case 'action_named': n('action_number', h.a); break
    case 'channel_named': put('channel', b?.name), n('channel_number', h.a); break
    case 'state_digest': n('covers_seq', h.a), n('reducer', h.b); break
    case 'clock_step':
      o.step_s = Number(signed(h.b - h.a)) / 1e6
      o.offset_before_s = Number(signed(h.a)) / 1e6
      o.offset_after_s = Number(signed(h.b)) / 1e6
      break
    case 'erase_requested':
      about(), n('events', h.b)
      if (h.c !== 0n) o.with_mentions = true
      break
    case 'user_erased': n('events', h.a), n('request_seq', h.b); break
    case 'hold_set': case 'hold_released': about(); break
    case 'history_read': about(), put('reader', detail('reader', 'by')), put('question', detail('question', 'what')); break
    case 'retention_applied':
      o.of_kind = kinds[Number(h.a & 0xffn)] ?? 'unknown'
      o.retention = h.c === 1n ? 'rule' : h.c === 2n ? 'one' : 'applied'
      if (h.c === 2n) n('of_seq', h.d)
      else n('keep_s', h.b)
      if (h.c !== 1n && h.c !== 2n) n('up_to_seq', h.d)
      break
    case 'import_began': o.file_sha256 = [h.a, h.b, h.c, h.d].map((w) => w.toString(16).padStart(16, '0')).join(''); break
    case 'import_ended': n('lines', h.a); break
    case 'log_continued': n('former_size', h.a), put('former_origin', detail('origin')); break
  }
  return o
}

/** Equal as JSON; the last bits of a fraction may differ between two readers of one number. */
function alike(x: unknown, y: unknown): boolean {
  if (typeof x === 'number' && typeof y === 'number') return Math.abs(x - y) <= 2 ** -50 * Math.max(Math.abs(x), Math.abs(y))
  if (typeof x !== 'object' || typeof y !== 'object' || !x || !y) return x === y
  if (Array.isArray(x) !== Array.isArray(y)) return false
  const keys = Object.keys(x)
  return keys.length === Object.keys(y).length && keys.every((k) => Object.hasOwn(y, k) && alike((x as Record<string, unknown>)[k], (y as Record<string, unknown>)[k]))
}
const shown = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value) ?? 'nothing')

/** An answer (one event as `audit` or `show` give it) against its proof: every word of it is what was signed, or is listed as not signed, or it fails. */
export async function verifyEvent(told: Record<string, unknown>, proof: Proof, vkey: string): Promise<Verdict> {
  const steps: Verdict['steps'] = []
  const step = (ok: boolean | undefined, text: string): boolean => (steps.push({ ok, text }), !!ok)
  try {
    const { header: bytes, size } = await readReceipt(proof.receipt, vkey, step)
    const h = decodeHeader(bytes)
    const names: { h: Header; body: Body | undefined }[] = []
    for (const part of proof.names ?? []) {
      const read = await readReceipt(part.receipt, vkey, (ok, text) => ok || step(false, `Of an event that gives a name: ${text}`))
      const header = decodeHeader(read.header)
      names.push({ h: header, body: await openBody(header, part.body) })
    }
    const body = await openBody(h, proof.body)
    if (body) step(true, 'Its texts have the digest that is in the event.')
    else if (h.bodyLength === 0) step(true, 'It has no texts.')
    else step(undefined, `Its texts are not here; only their digest is signed: ${hexOf(h.digest)}.`)

    /** Whom a number means; a name that no signature covers is let through as it is told, and listed. */
    const person = (number: number, as: unknown): string => {
      const enrolled = [{ h, body }, ...names].find((n) => n.h.kind === 'user_enrolled' && n.h.user === number)
      if (enrolled?.body?.name) return step(true, `User #${number} is ${enrolled.body.name}: signed when enrolled, event #${enrolled.h.seq}.`), enrolled.body.name
      if (enrolled && enrolled.h.bodyLength === 0) return step(undefined, `The name of user #${number} is not signed: an earlier version enrolled it.`), as === undefined ? `#${number}` : shown(as)
      step(undefined, enrolled ? `The name of user #${number} is gone; event #${enrolled.h.seq} signed it.` : `Of user #${number} only the number is proven.`)
      return `#${number}`
    }
    const user = h.user === 0 ? '' : person(h.user, told.user)
    const ofSomebody = ['erase_requested', 'hold_set', 'hold_released', 'history_read'].includes(h.kind) || (h.kind === 'activity' && (h.flags & 8) !== 0)
    const subject = ofSomebody && h.a !== 0n && told.subject !== undefined ? person(Number(h.a), told.subject) : ''
    let channel = ''
    if ((h.kind === 'joined' || h.kind === 'left') && told.channel !== undefined) {
      const named = names.find((n) => n.h.kind === 'channel_named' && n.h.a === h.a && n.h.seq < h.seq)
      channel = named?.body?.name ?? `channel:${h.a}`
      step(named?.body ? true : undefined, named?.body ? `Channel ${h.a} is ${channel}: signed in event #${named.h.seq}.` : `Of channel ${h.a} only the number is proven.`)
    }
    let action = ''
    if (h.kind === 'activity' && (h.flags & 0x10) === 0) {
      if (h.c === 0n) {
        action = body?.action ?? ''
      } else {
        const named = names.find((n) => n.h.kind === 'action_named' && n.h.a === h.c && n.h.seq < h.seq)
        action = named?.body?.name ?? `action:${h.c}`
        step(named?.body ? true : undefined, named?.body ? `Action ${h.c} is ${action}: signed in event #${named.h.seq}.` : `Of action ${h.c} only the number is proven.`)
      }
    }
    const base = eventOf(h, body, user, action)
    const signed = { ...base, ...particularsOf(h, body, channel, subject) }
    const facts = Object.entries(signed).map(([key, value]): [string, string] => [key, shown(value)])
    let differ = false
    for (const key of new Set([...Object.keys(signed), ...Object.keys(told)])) {
      // A number of the header that the answer leaves out takes nothing from it: it stands among the facts.
      if (told[key] === undefined && base[key] === undefined) continue
      if (key === 'body' && h.bodyLength !== 0 && !body && ['dropped', 'shredded', 'damaged'].includes(String(told.body))) {
        step(undefined, `Why its texts are missing (${told.body}) is not signed here.`)
        continue
      }
      const raw = { properties: body?.properties, attribute_changes: body?.changes, detail: body?.detail }[key]
      if (alike(told[key], signed[key]) || (raw !== undefined && told[key] === raw)) continue
      differ = true
      step(false, signed[key] === undefined ? `The answer says ${key}: ${shown(told[key])}. Nothing signed says so.` : `The answer says ${key}: ${shown(told[key])}. Signed is: ${shown(signed[key])}.`)
    }
    if (!differ) step(true, 'The answer says this and nothing else.')
    return { ok: steps.every((s) => s.ok !== false), steps, facts, size: Number(size), key: vkey.split('+').slice(0, 2).join('+') }
  } catch (error) {
    step(false, `${(error as Error).message}.`)
    return { ok: false, steps, facts: [] }
  }
}

/** The log's key as this browser saw it first; a key that changed since is told, not taken. */
export function knownKey(app: string, offered: string): { key: string; changed: boolean } {
  const place = `rollcall:vkey:${app}`
  const before = localStorage.getItem(place)
  if (!before) localStorage.setItem(place, offered)
  return { key: before ?? offered, changed: !!before && before !== offered }
}
export const trustKey = (app: string, key: string): void => localStorage.setItem(`rollcall:vkey:${app}`, key)
