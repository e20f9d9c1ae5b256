// Checks a receipt in the browser: the path from the event to the root, and who signed the root.
//
// Formats: c2sp.org/tlog-proof, c2sp.org/tlog-checkpoint, c2sp.org/signed-note; hashing: RFC 6962.
// Nothing of it asks the server: what is compared against is the key that this browser remembers.

export interface Verdict { ok: boolean; steps: { text: string; ok: boolean }[]; size?: number; key?: string }

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

/** `vkey`: name+hash+key, as `rollcall key show` prints it. `seq`: the event that is claimed. */
export async function verifyReceipt(receipt: string, vkey: string, seq: number): Promise<Verdict> {
  const steps: Verdict['steps'] = []
  const step = (ok: boolean, text: string): boolean => (steps.push({ ok, text }), ok)
  try {
    const split = receipt.indexOf('\n\n')
    const head = receipt.slice(0, split).split('\n')
    if (split < 0 || head.shift() !== 'c2sp.org/tlog-proof@v1') throw new Error('this is not a tlog-proof')
    const extra = head[0]?.startsWith('extra ') ? bytesOf(head.shift()!.slice(6)) : undefined
    if (!extra) throw new Error('the receipt does not hold the event itself')
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

    const claimed = new DataView(extra.buffer, extra.byteOffset).getBigUint64(8, true)
    step(claimed === BigInt(seq) && index === claimed - 1n, `The receipt is about event #${claimed}, leaf ${index}.`)
    step(same(await rootOf(extra, index, size, path), bytesOf(rootText)), `The event leads to the root of ${size} events over ${path.length} hashes.`)

    const [name, idHex, keyText] = vkey.split('+').length > 3 ? [vkey.split('+')[0], vkey.split('+')[1], vkey.split('+').slice(2).join('+')] : vkey.split('+')
    const key = bytesOf(keyText ?? '')
    if (key[0] !== 1 || key.length !== 33) throw new Error('the known key is not an Ed25519 key')
    const id = (await sha256(new TextEncoder().encode(`${name}\n`), key)).slice(0, 4)
    step(Array.from(id, (b) => b.toString(16).padStart(2, '0')).join('') === idHex, `The key is whole: ${name}+${idHex}.`)
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
    return { ok: steps.every((s) => s.ok), steps, size: Number(size), key: `${name}+${idHex}` }
  } catch (error) {
    step(false, `${(error as Error).message}.`)
    return { ok: false, steps }
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
