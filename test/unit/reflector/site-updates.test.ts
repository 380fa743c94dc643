/** Which other version a site names to the core: the nearest one that it holds. */
import { join } from 'node:path';
import t from 'tap';
import { DELTA_NO_UPDATES_MAX, DELTA_UPDATES_MAX } from '../../../src/base/limits/deltas.ts';
import { silentLog } from '../../../src/base/log.ts';
import type { Digest } from '../../../src/chunking/digest.ts';
import type { KnownLayer } from '../../../src/reflector/layer-directory.ts';
import { otherVersions, SiteUpdates } from '../../../src/reflector/site-updates.ts';
import { MemoryChunkStore } from '../../../src/store/memory-chunk-store.ts';
import { encodeFrame } from '../../../src/store/frame-encode.ts';
import { storeVersion, type Files } from '../../doubles/versions.ts';
import type { MemoryLayer } from '../image/layer-in-memory.ts';
import { noise } from '../store/chunks.ts';

const known = (name: string, sequence: number, root: Digest): KnownLayer => ({ name, version: String(sequence), sequence, root, descriptor: root });
const root = (digit: number): Digest => String(digit).repeat(64) as Digest;

t.test('other versions of the same name, the nearest commit first', (t) => {
  const layers = [known('a', 1, root(1)), known('a', 3, root(3)), known('b', 4, root(4)), known('a', 5, root(5)), known('a', 9, root(9))];
  t.same(otherVersions(layers, root(5)), [root(3), root(1), root(9)]);
  t.same(otherVersions(layers, root(4)), []);
  t.same(otherVersions(layers, root(7)), [], 'a root that is no layer here');
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

  const updates = new SiteUpdates({ store: site, layers: { layers }, log: silentLog });
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
  const updates = new SiteUpdates({ store, layers: { layers: versions.map((layer, at) => known('a', at + 1, layer.root)) }, log: silentLog });
  for (const { root: to } of versions) await updates.note(to);
  t.same(updates.updates.map(({ to }) => to), versions.slice(-DELTA_UPDATES_MAX).map((layer) => layer.root).reverse());
});

/** A site's store that counts the manifest nodes that are read from it. */
class CountedStore extends MemoryChunkStore {
  reads = 0;

  override get(digest: Digest): Promise<Uint8Array | undefined> {
    this.reads += 1;
    return super.get(digest);
  }
}

await t.test('a version without an update is not looked at again, until something came that could give it one', async (t) => {
  const dir = t.testdir();
  const core = new MemoryChunkStore();
  const files = (version: number): Files => ({ large: noise(60_000, 1).fill(version, 0, 20_000) });
  const [first, second, third] = [await storeVersion(core, join(dir, '1'), files(1)), await storeVersion(core, join(dir, '2'), files(2)), await storeVersion(core, join(dir, '3'), files(3))];
  const site = new CountedStore();
  const keep = (blocks: readonly (readonly [Digest, Uint8Array])[]): Promise<unknown> => site.put([encodeFrame(blocks.map(([digest, bytes]) => ({ digest, bytes })))]);
  const layers = { layers: [known('a', 1, first.root), known('a', 3, third.root)] };
  const updates = new SiteUpdates({ store: site, layers, log: silentLog });
  const readsOf = async (to: Digest): Promise<number> => {
    const before = site.reads;
    await updates.note(to);
    return site.reads - before;
  };
  await keep([...third.nodes]);
  await keep([...first.nodes]);
  t.ok((await readsOf(third.root)) > 0);
  t.equal(await readsOf(third.root), 0, 'nothing has come');
  const chunks = [...first.chunks];
  await keep(chunks.slice(0, 1));
  t.equal(await readsOf(third.root), 0, 'of what is fetched the last is waited for');
  layers.layers.push(known('a', 2, second.root));
  await keep([...second.nodes]);
  t.ok((await readsOf(third.root)) > 0, 'another version is known');
  t.equal(await readsOf(third.root), 0);
  await keep(chunks.slice(1));
  t.ok((await readsOf(third.root)) > 0, 'the rest of the first has come');
  t.match(updates.updates, [{ to: third.root, from: first.root }]);
  t.equal(await readsOf(third.root), 0);
});

await t.test('so many versions without an update are kept in mind', async (t) => {
  const dir = t.testdir();
  const site = new CountedStore();
  const held = await storeVersion(new MemoryChunkStore(), join(dir, 'held'), { file: noise(3000, 1) });
  await site.put([encodeFrame([...held.nodes].map(([digest, bytes]) => ({ digest, bytes })))]);
  const roots = Array.from({ length: DELTA_NO_UPDATES_MAX + 1 }, (_, at) => at.toString(16).padStart(64, '0') as Digest);
  const layers = roots.flatMap((root, at) => [known(`layer${at}`, at, root), known(`layer${at}`, at, held.root)]);
  const updates = new SiteUpdates({ store: site, layers: { layers }, log: silentLog });
  for (const root of roots) await updates.note(root);
  const before = site.reads;
  for (const root of roots.slice(1)) await updates.note(root);
  t.equal(site.reads, before);
  await updates.note(roots[0] as Digest);
  t.ok(site.reads > before, 'the oldest was forgotten');
});

await t.test('bookkeeping that fails fails nothing else', async (t) => {
  const store = new MemoryChunkStore();
  const dir = t.testdir();
  const first = await storeVersion(store, join(dir, '1'), { file: noise(3000, 1) });
  const second = await storeVersion(store, join(dir, '2'), { file: noise(3000, 2) });
  let isBroken = true;
  // Its first version is here whole; the second's manifest cannot be read, as after an eviction.
  const broken = { has: (digests: readonly Digest[]) => store.has(digests), get: (digest: Digest) => (isBroken && second.nodes.has(digest) ? Promise.resolve(undefined) : store.get(digest)) };
  const updates = new SiteUpdates({ store: broken, layers: { layers: [known('a', 1, first.root), known('a', 2, second.root)] }, log: silentLog });
  await updates.note(second.root);
  t.same(updates.updates, []);
  isBroken = false;
  await updates.note(second.root);
  t.match(updates.updates, [{ to: second.root, from: first.root }], 'and it is looked for again');
});
