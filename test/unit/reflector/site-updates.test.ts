/** Which older version a site names to the core: the nearest one that it holds. */
import { join } from 'node:path';
import t from 'tap';
import { DELTA_UPDATES_MAX } from '../../../src/base/limits.ts';
import type { Digest } from '../../../src/chunking/digest.ts';
import type { KnownLayer } from '../../../src/reflector/layer-directory.ts';
import { olderVersions, SiteUpdates } from '../../../src/reflector/site-updates.ts';
import { MemoryChunkStore } from '../../../src/store/memory-chunk-store.ts';
import { encodeFrame } from '../../../src/store/frame-encode.ts';
import { storeVersion } from '../../doubles/versions.ts';
import type { MemoryLayer } from '../image/layer-in-memory.ts';
import { noise } from '../store/chunks.ts';

const known = (name: string, sequence: number, root: Digest): KnownLayer => ({ name, version: String(sequence), sequence, root, descriptor: root });
const root = (digit: number): Digest => String(digit).repeat(64) as Digest;

t.test('other versions of the same name, the nearest commit first', (t) => {
  const layers = [known('a', 1, root(1)), known('a', 3, root(3)), known('b', 4, root(4)), known('a', 5, root(5)), known('a', 9, root(9))];
  t.same(olderVersions(layers, root(5)), [root(3), root(1), root(9)]);
  t.same(olderVersions(layers, root(4)), []);
  t.same(olderVersions(layers, root(7)), [], 'a root that is no layer here');
  t.end();
});

await t.test('the nearest that is held, and what is lacking', async (t) => {
  const dir = t.testdir();
  const core = new MemoryChunkStore();
  const versions: MemoryLayer[] = [];
  for (let version = 0; version < 3; version += 1) {
    const large = noise(60_000, 1);
    large.fill(version, 0, 20_000);
    versions.push(await storeVersion(core, join(dir, String(version)), { large }));
  }
  const [first, second, third] = versions as [MemoryLayer, MemoryLayer, MemoryLayer];
  const layers = versions.map((layer, at) => known('a', at + 1, layer.root));
  const site = new MemoryChunkStore();
  const keep = (layer: MemoryLayer, what: 'nodes' | 'chunks'): Promise<unknown> => site.put([encodeFrame([...layer[what]].map(([digest, bytes]) => ({ digest, bytes })))]);

  const updates = new SiteUpdates({ store: site, layers: { layers } });
  await keep(third, 'nodes');
  await keep(second, 'nodes');
  await updates.note(third.root);
  t.same(updates.updates, [], 'a manifest without its chunks is not held');
  await keep(first, 'nodes');
  await keep(first, 'chunks');
  await updates.note(third.root);
  t.match(updates.updates, [{ to: third.root, from: first.root }], 'an older one that is held whole');
  const lacking = [...third.chunks.keys()].filter((digest) => !first.chunks.has(digest));
  t.same([...(updates.updates[0]?.lacking ?? [])].sort(), lacking.sort());
  await updates.note(second.root);
  t.equal(updates.updates[0]?.to, second.root, 'the latest first');
});

await t.test('the latest few are kept', async (t) => {
  const dir = t.testdir();
  const store = new MemoryChunkStore();
  const versions: MemoryLayer[] = [];
  for (let version = 0; version < DELTA_UPDATES_MAX + 3; version += 1) versions.push(await storeVersion(store, join(dir, String(version)), { file: noise(3000, version + 1) }));
  const updates = new SiteUpdates({ store, layers: { layers: versions.map((layer, at) => known('a', at + 1, layer.root)) } });
  for (const { root: to } of versions) await updates.note(to);
  t.same(updates.updates.map(({ to }) => to), versions.slice(-DELTA_UPDATES_MAX).map((layer) => layer.root).reverse());
});
