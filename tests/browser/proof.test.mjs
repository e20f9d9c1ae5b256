// The page's verifier (web/src/proof.ts) by itself, on answers that the real command line gives: every word is what
// was signed, or the answer fails.
import test, { before } from 'node:test'
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createRequire } from 'node:module'
import { run, scratch } from '../clients/server.mjs'

// The page's own compiler takes the types off.
const { default: ts } = await import(createRequire(new URL('../../web/package.json', import.meta.url)).resolve('typescript'))
const source = readFileSync(new URL('../../web/src/proof.ts', import.meta.url), 'utf8')
const { outputText } = ts.transpileModule(source, { compilerOptions: { module: 'esnext', target: 'es2022' } })
const { verifyEvent, verifyReceipt, decodeBody, rfc3339 } = await import(`data:text/javascript;base64,${Buffer.from(outputText).toString('base64')}`)

const data = scratch()
const cli = async (...args) => {
  const done = await run(['-d', data, ...args])
  assert.equal(done.code, 0, done.err)
  return done.out
}
let key, events
const read = async (seq) => {
  const { prev, leaf, proof, ...told } = JSON.parse(await cli('-o', 'json', 'show', String(seq), '--proof'))
  return { told, proof }
}
before(async () => {
  await cli('login', 'ada', '--address', '10.1.0.7', '--agent', 'a "quoted" agent é 日本')
  await cli('activity', 'ada', '--action', 'order.paid', '--description', 'paid the order', '--target-type', 'order', '--target-id', '7',
    '--properties', '{"sum":0.1,"big":12345678901234567890,"deep":{"list":[1,2.5e-3,null,true,"x"]}}', '--changes', '{"attributes":{"state":"paid"},"old":{"state":"open"}}')
  await cli('status', 'ada', '--as', 'away', '--text', 'lunch')
  await cli('logout', 'ada')
  await cli('checkpoint', 'sign')
  key = (await cli('key', 'show')).trim()
  events = (await cli('audit', '-o', 'ndjson')).trim().split('\n').map((line) => JSON.parse(line))
})
const why = (verdict) => verdict.steps.map((s) => `${s.ok === undefined ? '–' : s.ok ? '✓' : '✗'} ${s.text}`).join('\n')

/** Numbers of a header that an answer need not show. */
const particulars = ['covers_seq', 'reducer', 'action_number', 'shown_as', 'basis', 'last_activity', 'touch']
/** Every answer that differs from `value` in one letter, digit or member. */
function* changed(value) {
  if (typeof value === 'string') for (let i = 0; i < value.length; i++) yield value.slice(0, i) + String.fromCharCode(value.charCodeAt(i) ^ 1) + value.slice(i + 1)
  else if (typeof value === 'number') yield value === 0 ? 1 : value * (1 + 2 ** -40)
  else if (typeof value === 'boolean' || value === null) yield 'changed'
  else {
    for (const k of Object.keys(value)) for (const other of changed(value[k])) yield Array.isArray(value) ? value.map((v, i) => (String(i) === k ? other : v)) : { ...value, [k]: other }
    if (!Array.isArray(value)) {
      for (const k of Object.keys(value)) if (!particulars.includes(k)) { const { [k]: _, ...rest } = value; yield rest }
      yield { ...value, added: 'more' }
    }
  }
}

test('every event of a log verifies with all that is shown of it, and with nothing else', async () => {
  for (const { seq } of events) {
    const { told, proof } = await read(seq)
    const good = await verifyEvent(told, proof, key)
    assert.ok(good.ok, `event ${seq}\n${why(good)}`)
    for (const k of Object.keys(told)) assert.ok(good.facts.some(([fact]) => fact === k), k)
    for (const other of changed(told)) {
      const bad = await verifyEvent(other, proof, key)
      assert.ok(!bad.ok, `event ${seq} told as ${JSON.stringify(other)}\n${why(bad)}`)
    }
  }
})

test('user, action and description changed beside an untouched receipt fail, and what was signed is shown', async () => {
  const { told, proof } = await read(events.find((e) => e.kind === 'activity').seq)
  for (const [field, value] of [['user', 'mallory'], ['action', 'order.stolen'], ['description', 'took the order']]) {
    const verdict = await verifyEvent({ ...told, [field]: value }, proof, key)
    assert.ok(!verdict.ok)
    assert.equal(verdict.facts.find(([k]) => k === field)[1], told[field])
    assert.match(why(verdict), new RegExp(`✗ .*${value}.*${told[field]}`))
  }
  assert.match(why(await verifyEvent(told, proof, key)), /✓ User #1 is ada: signed when enrolled, event #1\./)
})

test('without the events that give the names, or with another event\'s proof, it fails', async () => {
  const first = await read(events.find((e) => e.kind === 'activity').seq), second = await read(events.find((e) => e.kind === 'login').seq)
  assert.ok(!(await verifyEvent(first.told, { ...first.proof, names: [] }, key)).ok)
  assert.ok(!(await verifyEvent(first.told, second.proof, key)).ok)
  assert.ok(!(await verifyEvent(first.told, { ...first.proof, body: second.proof.body }, key)).ok)
  assert.ok(!(await verifyEvent(first.told, { ...first.proof, body: undefined }, key)).ok)
  assert.ok(!(await verifyEvent(first.told, first.proof, key.replace(/.$/, (c) => (c === 'A' ? 'B' : 'A')))).ok)
})

test('a receipt alone says that the event is there, by its number', async () => {
  const { proof } = await read(2)
  const verdict = await verifyReceipt(proof.receipt, key, 2)
  assert.ok(verdict.ok, why(verdict))
  assert.match(why(verdict), /about event #2\./)
  assert.ok(!(await verifyReceipt(proof.receipt, key, 3)).ok)
})

test('a forgotten person is a number: the name proves nothing any more, and no other takes its place', async () => {
  await cli('--reason', 'asked', 'forget', 'ada', '--yes', '--receipt', join(scratch(), 'receipt'))
  const { told, proof } = await read(events.find((e) => e.kind === 'activity').seq)
  assert.equal(told.user, '#1')
  const verdict = await verifyEvent(told, proof, key)
  assert.ok(verdict.ok, why(verdict))
  assert.match(why(verdict), /– The name of user #1 is gone/)
  assert.ok(!(await verifyEvent({ ...told, user: 'ada' }, proof, key)).ok)
  assert.ok(!(await verifyEvent({ ...told, description: 'paid' }, proof, key)).ok)
})

test('bytes that are no body are refused, not guessed at', () => {
  for (const bytes of [[], [0x01], [0xff, 1, 2, 3], [0x10, 0x05, 0x50, 0x01, 0x01, 0x05, 0x0a, 0x7f]]) {
    try {
      decodeBody(Uint8Array.from(bytes))
    } catch (error) {
      assert.ok(error instanceof Error)
    }
  }
  assert.equal(rfc3339(1_768_380_632_004_113n), '2026-01-14T08:50:32.004113Z')
  assert.equal(rfc3339(-1n), '1969-12-31T23:59:59.999999Z')
})
