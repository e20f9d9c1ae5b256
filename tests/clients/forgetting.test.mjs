// Who is forgotten is gone from where questions are answered, too: with the receipt in hand no reader of the server
// remembers a name or a text, and forgetting waits for nobody who reads slowly.
import test, { after } from 'node:test'
import assert from 'node:assert/strict'
import { closeSync, openSync, readFileSync, readSync } from 'node:fs'
import { alive, ask, askSlowly, childrenOf, endAll, following, longHistory, serve, tokenFor } from './access.mjs'
import { until } from './server.mjs'

after(endAll)

/** Whether the memory of a process holds the bytes anywhere; not, if it has ended. */
function remembers(pid, text) {
  const wanted = Buffer.from(text)
  let memory
  try {
    memory = openSync(`/proc/${pid}/mem`, 'r')
    for (const line of readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n')) {
      const range = /^([0-9a-f]+)-([0-9a-f]+) r/.exec(line)
      if (!range || /\[v(var|syscall)/.test(line)) continue
      const kPiece = 1 << 24
      const from = Number.parseInt(range[1], 16), to = Number.parseInt(range[2], 16)
      for (let at = from; at < to; at += kPiece) { // pieces overlap by as much as the text could be cut
        const piece = Buffer.alloc(Math.min(kPiece + wanted.length, to - at))
        let n = 0
        try { n = readSync(memory, piece, 0, piece.length, at) } catch { break /* a page that was never there */ }
        if (piece.subarray(0, n).includes(wanted)) return true
      }
    }
    return false
  } catch {
    if (!alive(pid)) return false
    throw new Error(`the memory of ${pid} cannot be read`)
  } finally {
    if (memory !== undefined) closeSync(memory)
  }
}

/** Every text in an answer, and what is inside what travels as base64: files, and bodies in them. */
function* texts(value) {
  if (typeof value === 'string') {
    yield value
    for (const [inside] of value.matchAll(/[A-Za-z0-9+/]{16,}={0,2}/g)) yield* texts(Buffer.from(inside, 'base64').toString('latin1'))
  } else if (value && typeof value === 'object') {
    for (const [key, inner] of Object.entries(value)) { yield key; yield* texts(inner) }
  }
}

test('with the receipt in hand no reader remembers a name or a text, and no question finds them', async () => {
  const s = await serve()
  const pid = s.child.pid
  // Neither stands in any other process by chance, nor in the binary.
  const name = `Margarethe-${Math.random().toString(36).slice(2)}`, words = `paid-in-${Math.random().toString(36).slice(2)}`
  await s.v1('POST', '/login', { body: { user: name } })
  await s.v1('POST', '/login', { body: { user: 'stays' } })
  await s.v1('POST', '/activity', { body: { user: name, action: 'order.paid', description: words } })
  const number = (await s.v1('GET', `/presence/${name}`)).json.number
  // Asked at once by several, so that more than one reader knows them; one goes on with what comes.
  const follows = following(s, s.token)
  await until(() => follows.said.includes('"end"'), 'one that follows')
  for (let i = 0; i < 3; i++) {
    const got = await Promise.all(['/events?user=', '/sessions?user=', '/timeline?user=', '/presence?at=now&user='].map((path) => ask(s, 'GET', path + name)))
    for (const g of got) { assert.equal(g.status, 200, g.text); assert.ok(g.text.includes(name)) }
    assert.ok(got[0].text.includes(words))
  }
  assert.equal((await s.v1('POST', '/checkpoint', { body: {} })).status, 200) // a bundle holds what is signed
  const bundle = await ask(s, 'POST', '/export', { body: { user: [name] } })
  assert.ok([...texts(bundle.json)].some((text) => text.includes(words)), 'a bundle holds the text: the test can see it')
  const before = childrenOf(pid)
  assert.ok(before.some((child) => remembers(child, name)), 'a reader knows the name: the test can see it')
  const forgotten = await s.v1('POST', '/forget', { body: { user: name, reason: 'asked' } })
  assert.equal(forgotten.status, 200, forgotten.text)
  const remembering = childrenOf(pid).filter((child) => remembers(child, name) || remembers(child, words))
  assert.deepEqual(remembering, [], 'these remember')
  assert.deepEqual(before.filter(alive), [], 'none that was there before is there')
  // At once: by number nothing that was said, and nobody's reader has read it again.
  const byNumber = [['GET', `/events?number=${number}`], ['GET', `/sessions?number=${number}`], ['GET', '/events?limit=1000'], ['GET', '/stats?by=user'], ['GET', `/queries`], ['GET', `/presence?at=seq:4&state=any`], ['POST', '/subjects/export', { number }], ['POST', '/export', { number: [number] }], ['GET', '/fields?field=user']]
  const tellNothing = async (questions) => {
    for (const [method, path, body] of questions)
      for (const lines of [false, true]) {
        const got = await ask(s, method, path, { body, lines })
        assert.ok(got.ok, `${path}: ${got.text.slice(0, 300)}`)
        for (const what of [name, words])
          for (const text of texts(lines ? got.rows : got.json)) assert.ok(!text.includes(what), `${path} tells ${what}`)
      }
  }
  await tellNothing(byNumber)
  assert.deepEqual(childrenOf(pid).filter((child) => remembers(child, name) || remembers(child, words)), [], 'nor do these readers')
  // By name there is nobody. (From here on the questions themselves hold the name and the words.)
  for (const [method, path, body] of [['GET', `/events?user=${name}`], ['GET', `/sessions?user=${name}`], ['GET', `/timeline?user=${name}`], ['GET', `/presence?at=now&user=${name}`], ['GET', `/stats?user=${name}`], ['GET', `/queries?user=${name}`], ['POST', '/export', { user: [name] }], ['POST', '/subjects/export', { user: name }], ['POST', '/presence/proof', { user: [name] }]])
    for (const lines of [false, true]) {
      const got = await ask(s, method, path, { body, lines })
      assert.deepEqual([got.ok, got.code], [false, 'not-found'], path)
      assert.ok(!got.text.includes(words))
    }
  await tellNothing([['GET', `/events?grep=${words}`], ...byNumber])
  // Whoever follows hears on: of others.
  await s.v1('POST', '/login', { body: { user: 'comes-later' } })
  const upto = (await ask(s, 'GET', '/store')).json.events
  await until(() => { const ends = follows.said.match(/"upto":(\d+)/g); return Number(ends.at(-1).slice(7)) >= upto }, 'it goes on')
  follows.req.destroy()
  await s.close()
})

test('forgetting waits for nobody: neither for one who reads slowly nor for a reader that heeds nothing', async () => {
  const data = await longHistory()
  const s = await serve({ data })
  const pid = s.child.pid
  const slow = await tokenFor(s, 'slow', ['audit:read'])
  // Asks for everything, reads the beginning and no more.
  const begun = await askSlowly(s, slow)
  const forget = async (user) => {
    const from = performance.now()
    const got = await s.v1('POST', '/forget', { body: { user, reason: 'asked' } })
    assert.equal(got.status, 200, got.text)
    return performance.now() - from
  }
  try {
    assert.ok(childrenOf(pid).length >= 1)
    const before = childrenOf(pid)
    const took = await Promise.race([forget('u3'), until(() => false, 'forgetting', 9000)])
    assert.ok(took < 4000, `it took ${took} ms beside one who reads slowly`)
    assert.deepEqual(before.filter(alive), [], 'its reader has gone')
    // One that does not even run.
    assert.equal((await ask(s, 'GET', '/store')).status, 200)
    const stopped = childrenOf(pid)
    for (const child of stopped) process.kill(child, 'SIGSTOP')
    const again = await Promise.race([forget('u4'), until(() => false, 'forgetting', 9000)])
    assert.ok(again < 4000, `it took ${again} ms beside a reader that heeds nothing`)
    assert.deepEqual(stopped.filter(alive), [])
  } finally {
    begun.req.destroy()
  }
  const after = await ask(s, 'GET', '/events?limit=5')
  assert.equal(after.status, 200, 'and questions are answered')
  await s.close()
})
