// Writes assets.cc: every file of the built page, plain and compressed, as bytes of the binary.
// Usage: node embed.mjs DIST OUT
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'

const [dist, out] = process.argv.slice(2)
const types = { html: 'text/html; charset=utf-8', js: 'text/javascript; charset=utf-8', css: 'text/css; charset=utf-8', svg: 'image/svg+xml', txt: 'text/plain; charset=utf-8' }
const files = (dir) => readdirSync(dir).sort().flatMap((name) => (statSync(join(dir, name)).isDirectory() ? files(join(dir, name)) : [join(dir, name)]))

let blobs = '', rows = '', declarations = '', n = 0
mkdirSync(join(out, 'blobs'), { recursive: true })
const blob = (bytes) => {
  const name = `rollcall_web_${n++}`
  const path = join(out, 'blobs', name)
  writeFileSync(path, bytes)
  blobs += `__asm__(".section .rodata\\n.global ${name}\\n${name}:\\n.incbin \\"${path}\\"\\n.byte 0\\n.previous\\n");\n`
  declarations += `extern "C" const char ${name}[];\n`
  return `{${name}, ${bytes.length}}`
}
for (const file of files(dist)) {
  const path = '/' + relative(dist, file)
  const type = types[file.split('.').pop()] ?? 'application/octet-stream'
  const bytes = readFileSync(file)
  const etag = createHash('sha256').update(bytes).digest('hex').slice(0, 16)
  const gzip = gzipSync(bytes, { level: 9 })
  const brotli = brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } })
  const small = gzip.length < bytes.length
  rows += `    {"${path}", "${type}", "\\"${etag}\\"", ${path.startsWith('/assets/')}, ${blob(bytes)}, ${small ? blob(gzip) : '{}'}, ${small ? blob(brotli) : '{}'}},\n`
}
writeFileSync(join(out, 'assets.cc'), `// Made by web/embed.mjs.
#include "web/assets.h"

${blobs}
${declarations}
namespace rollcall::web {
namespace {
const net::Asset kAssets[] = {
${rows}};
}
net::Assets assets() { return kAssets; }
}  // namespace rollcall::web
`)
