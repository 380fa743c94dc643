import t from 'tap';
import * as fc from 'fast-check';
import type { Digest } from '../../../src/chunking/digest.ts';
import { DigestSet } from '../../../src/store/digest-set.ts';
import { Pins } from '../../../src/store/pins.ts';
import { noiseChunks } from './chunks.ts';

const digests = noiseChunks(40, 8).map((chunk) => chunk.digest);
/** Shares 6 bytes and more with another: the prefix alone does not tell them apart. */
const twin = `${(digests[0] as Digest).slice(0, 60)}${(digests[0] as Digest).endsWith('0000') ? '1111' : '0000'}` as Digest;

await t.test('a digest set holds what it was made of', async (t) => {
  const set = new DigestSet([...digests.slice(0, 20), twin, ...digests.slice(0, 5)]);
  t.equal(set.size, 21);
  t.same(new Set(set), new Set([...digests.slice(0, 20), twin]));
  for (const [i, digest] of digests.entries()) t.equal(set.has(digest), i < 20);
  t.ok(set.has(twin));
  t.notOk(new DigestSet([digests[0] as Digest]).has(twin));
  t.notOk(new DigestSet([]).has(twin));
});

await t.test('pins follow a model of named sets, and tell of each change once', async () => {
  const name = fc.constantFrom('a', 'b', 'c');
  const step = fc.oneof(fc.record({ name, pin: fc.subarray(digests.slice(0, 8)) }), fc.record({ name, pin: fc.constant(undefined) }));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
      const told = new Set<Digest>();
      const pins = new Pins({
        pinned: (digest) => { if (told.has(digest)) throw new Error('pinned twice'); told.add(digest); },
        unpinned: (digest) => { if (!told.delete(digest)) throw new Error('unpinned but not pinned'); },
      });
      const model = new Map<string, readonly Digest[]>();
      for (const { name, pin } of steps) {
        if (pin === undefined) { pins.unpin(name); model.delete(name); }
        else { pins.pin(name, pin); model.set(name, pin); }
        const pinned = new Set([...model.values()].flat());
        for (const digest of digests.slice(0, 8)) {
          if (pins.isPinned(digest) !== pinned.has(digest) || told.has(digest) !== pinned.has(digest)) return false;
        }
      }
      return true;
    }),
    { seed: 20261104, numRuns: 200 },
  );
});
