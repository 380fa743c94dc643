import t from 'tap';
import { setImmediate as turn } from 'node:timers/promises';
import { silentLog } from '../../../src/base/log.ts';
import { hash } from '../../../src/chunking/hash.ts';
import type { Digest } from '../../../src/chunking/digest.ts';
import { Foresight } from '../../../src/reflector/foresight.ts';
import { LayerDirectory } from '../../../src/reflector/layer-directory.ts';
import { ManifestCache } from '../../../src/reflector/manifest-cache.ts';
import { SiteProvider } from '../../../src/reflector/site-provider.ts';
import { captureTree } from '../../../src/image/capture.ts';
import { ManifestBuilder } from '../../../src/manifest/build.ts';
import type { ManifestBlock } from '../../../src/manifest/entry.ts';
import { decodeFrame } from '../../../src/store/frame-decode.ts';
import { encodeFrame } from '../../../src/store/frame-encode.ts';
import { MemoryChunkStore } from '../../../src/store/memory-chunk-store.ts';
import { FetchOnce } from '../../../src/transfer/fetch-once.ts';
import { ScriptedSource, type Script } from '../../doubles/scripted-source.ts';
import { scratchDirectory } from '../image/scratch.ts';

const chunks = Array.from({ length: 40 }, (_, index) => {
  const bytes = Buffer.from(`chunk ${index} `.repeat(100));
  return { digest: hash(bytes), bytes };
});
const digests = chunks.map(({ digest }) => digest);
const never = new AbortController().signal;

async function site(t: Test, script: Script): Promise<{ provider: SiteProvider; store: MemoryChunkStore; core: ScriptedSource }> {
  const store = new MemoryChunkStore();
  const core = new ScriptedSource('core', 'core', script);
  const layers = await LayerDirectory.open(scratchDirectory(t));
  const fetch = new FetchOnce(store, core);
  t.teardown(async () => {
    await fetch.close();
    await layers.close();
  });
  const manifests = new ManifestCache(store, core, never);
  return { provider: new SiteProvider({ store, fetch, manifests, layers, core, foresight: new Foresight({ fetch, manifests, log: silentLog }) }), store, core };
}
type Test = typeof t;

async function collect(frames: AsyncIterable<Uint8Array>): Promise<{ frames: Uint8Array[]; digests: Digest[] }> {
  const found: Uint8Array[] = [];
  for await (const frame of frames) found.push(frame);
  return { frames: found, digests: found.flatMap((frame) => decodeFrame(frame).map(({ digest }) => digest)) };
}

t.test('a stored frame goes out as it came', async (t) => {
  const { provider, store, core } = await site(t as Test, {});
  const frame = encodeFrame(chunks);
  await store.put([frame]);
  const sent = await collect(provider.frames(digests, never));
  t.same(sent.frames, [frame]);
  t.equal(core.asked.length, 0);
});

t.test('what is missing is fetched once for all who want it, and served in the order of the wants', async (t) => {
  const { provider, core } = await site(t as Test, {
    async *frames(wanted) {
      for (const chunk of chunks) if (wanted.includes(chunk.digest)) yield encodeFrame([chunk]);
    },
  });
  const all = await Promise.all(Array.from({ length: 10 }, () => collect(provider.frames(digests, never))));
  for (const sent of all) t.same(sent.digests, digests);
  t.equal(core.asked.flat().length, digests.length);
});

t.test('chunks that nobody has are left out', async (t) => {
  const { provider } = await site(t as Test, {});
  t.same((await collect(provider.frames(digests.slice(0, 3), never))).digests, []);
});

t.test('an endpoint that goes away stops waiting', async (t) => {
  const abort = new AbortController();
  const { provider } = await site(t as Test, {
    async *frames(_wanted, { signal }) {
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      yield* [];
    },
  });
  const waiting = collect(provider.frames(digests, abort.signal));
  setImmediate(() => abort.abort());
  await t.rejects(waiting, { code: 'BC_CANCELLED' });
});

t.test('a manifest is fetched once, kept, and sent without what the endpoint has', async (t) => {
  const build = (version: string): { root: Digest; blocks: ManifestBlock[] } => {
    const blocks: ManifestBlock[] = [];
    const builder = new ManifestBuilder((block) => blocks.push(block));
    const metadata = { mode: 0o755, uid: 0, gid: 0, mtimeSeconds: 1, mtimeNanos: 2 };
    builder.add({ type: 'directory', key: new Uint8Array(), ...metadata });
    for (let index = 0; index < 2000; index += 1) {
      const target = Buffer.from(index === 1000 ? version : 'same');
      builder.add({ type: 'symlink', key: Buffer.from(`link${String(index).padStart(5, '0')}`), target, ...metadata });
    }
    return { root: builder.finish().root, blocks };
  };
  const [one, two] = [build('one'), build('two')];
  let asked = 0;
  const { provider } = await site(t as Test, {
    async *manifest(root) {
      asked += 1;
      yield* (root === one.root ? one : two).blocks.toReversed();
    },
  });
  const sent = await Promise.all([1, 2, 3].map(() => collect(provider.manifestFrames(one.root, [], never))));
  for (const { digests } of sent) t.same(digests.toSorted(), one.blocks.map(({ digest }) => digest).toSorted());
  t.equal(asked, 1);
  const update = await collect(provider.manifestFrames(two.root, [one.root], never));
  t.ok(update.digests.includes(two.root));
  t.ok(update.digests.length < two.blocks.length / 2, `${update.digests.length} of ${two.blocks.length} nodes`);
  await t.rejects(collect(provider.manifestFrames(hash(Buffer.from('unknown')), [], never)), { code: 'BC_MANIFEST_INCOMPLETE' });
});

for (const have of [[], [hash(Buffer.from('a version'))]]) {
  t.test(have.length === 0 ? 'who has nothing and asks for a manifest gets its first chunks fetched, once' : 'who has a version and asks for a manifest wants chunks by themselves', async (t) => {
    const capture = captureTree(t.testdir({ one: 'first'.repeat(100_000), two: 'second'.repeat(1000) }));
    const blocks: ManifestBlock[] = [];
    const wanted: Digest[] = [];
    let step = await capture.next();
    for (; step.done !== true; step = await capture.next()) {
      if (step.value.kind === 'node') blocks.push(step.value);
      else wanted.push(step.value.digest);
    }
    const { root } = step.value;
    const { provider, core } = await site(t as Test, {
      async *manifest() {
        yield* blocks;
      },
    });
    for (let endpoint = 0; endpoint < 3; endpoint += 1) await collect(provider.manifestFrames(root, have, never));
    for (let turns = 0; turns < 20; turns += 1) await turn();
    t.same(core.asked.flat().toSorted(), have.length === 0 ? wanted.toSorted() : []);
  });
}
