import { encode } from '@ipld/dag-cbor';
import t from 'tap';
import { BranchcastError, type ErrorCode } from '../../../src/base/errors.ts';
import { NAME_BYTES_MAX } from '../../../src/base/limits/manifests.ts';
import { hash } from '../../../src/chunking/hash.ts';
import { CborReader } from '../../../src/manifest/cbor-reader.ts';
import { KeyColumn, sharedLength } from '../../../src/manifest/key-column.ts';
import { keyProblem } from '../../../src/manifest/key.ts';

/** Reads keys as they stand in a node; answers the code with which the last one is refused. */
function read(...keys: readonly Uint8Array[]): ErrorCode | undefined {
  const items = keys.flatMap((key, index) => {
    const shared = index === 0 ? 0 : sharedLength(keys[index - 1] as Uint8Array, key);
    return [encode(shared), encode(key.subarray(shared))];
  });
  const reader = new CborReader(Buffer.concat(items), hash(Buffer.alloc(0)));
  const column = new KeyColumn(keys.length);
  for (const [index, key] of keys.entries()) {
    try {
      column.read(reader);
    } catch (error) {
      if (error instanceof BranchcastError && index === keys.length - 1) return error.code;
      throw error;
    }
    if (Buffer.compare(column.at(index), key) !== 0) throw new Error('another key');
  }
  return undefined;
}

void t.test('a key is refused exactly when it is no key, whatever it shares with the one before it', (t) => {
  const all: Buffer[] = [];
  for (let keys: number[][] = [[]], length = 0; length <= 4; length += 1) {
    all.push(...keys.map((key) => Buffer.from(key)));
    keys = keys.flatMap((key) => [0x00, 0x2e, 0x2f, 0x61].map((byte) => [...key, byte]));
  }
  const good = all.filter((key) => keyProblem(key) === undefined);
  t.ok(good.length > 20 && good.length < all.length / 2);
  let refusedCount = 0;
  for (const key of all) {
    const expected = keyProblem(key)?.code;
    if (read(key) !== expected) t.fail(`${key.toString('hex')} alone: not ${expected ?? 'accepted'}`);
    for (const before of good) {
      if (Buffer.compare(before, key) >= 0) continue;
      if (read(before, key) !== expected) t.fail(`${key.toString('hex')} after ${before.toString('hex')}: not ${expected ?? 'accepted'}`);
      if (expected !== undefined) refusedCount += 1;
    }
  }
  t.ok(refusedCount > 1000);
  t.end();
});

void t.test('a name that is too long, whichever part of it is shared', (t) => {
  const name = (length: number): Buffer => Buffer.alloc(length, 'a');
  t.equal(read(name(NAME_BYTES_MAX)), undefined);
  t.equal(read(name(NAME_BYTES_MAX), name(NAME_BYTES_MAX + 1)), 'BC_MANIFEST_MALFORMED');
  t.equal(read(name(NAME_BYTES_MAX), Buffer.concat([name(NAME_BYTES_MAX), Buffer.from('\0b')])), undefined, 'two names that are not');
  t.equal(read(name(9), name(NAME_BYTES_MAX + 1)), 'BC_MANIFEST_MALFORMED');
  t.end();
});
