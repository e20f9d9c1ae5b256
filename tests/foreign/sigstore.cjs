// A foreign verifier: npm's @sigstore/verify checks our checkpoint and our receipt.
// Usage: node sigstore.cjs VKEY RECEIPT ENTRY
'use strict';
const fs = require('node:fs');
const path = require('node:path');
const crypto = require('node:crypto');

// Its package exports only the whole; these two files are the parts that know checkpoints and trees.
const base = path.join(path.dirname(require.resolve('@sigstore/verify')), 'tlog');
const { verifyCheckpoint } = require(path.join(base, 'checkpoint.js'));
const { verifyMerkleInclusion } = require(path.join(base, 'merkle.js'));

const [vkey, receiptPath, entryPath] = process.argv.slice(2);
const [name, keyHash] = vkey.split('+');
const raw = Buffer.from(vkey.slice(name.length + keyHash.length + 2), 'base64').subarray(1);
const publicKey = crypto.createPublicKey({
  key: Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), raw]),
  format: 'der',
  type: 'spki',
});

const text = fs.readFileSync(receiptPath, 'utf8');
const split = text.indexOf('\n\n');
const lines = text.slice(0, split).split('\n');
const inclusionProof = {
  checkpoint: { envelope: text.slice(split + 2) },
  logIndex: lines.find((l) => l.startsWith('index ')).slice(6),
  hashes: lines.filter((l, i) => i > 0 && !l.startsWith('extra ') && !l.startsWith('index ')).map((l) => Buffer.from(l, 'base64')),
};
const entry = { inclusionProof, canonicalizedBody: fs.readFileSync(entryPath) };
const checkpoint = verifyCheckpoint(entry, [{ logID: Buffer.from(keyHash, 'hex'), baseURL: `https://${name}`, publicKey }]);
verifyMerkleInclusion(entry, checkpoint);
console.log(`sigstore: checkpoint of ${checkpoint.origin} and inclusion accepted`);
