import t from 'tap';
import { freeBytes } from '../../../src/base/free-bytes.ts';
import { DELTA_STORED_WAIT_MS } from '../../../src/base/limits/deltas.ts';
import { silentLog } from '../../../src/base/log.ts';
import type { Digest } from '../../../src/chunking/digest.ts';
import { hash } from '../../../src/chunking/hash.ts';
import { UpdateSource } from '../../../src/reflector/update-source.ts';
import { decodeFrame } from '../../../src/store/frame-decode.ts';
import { DigestSet } from '../../../src/store/digest-set.ts';
import { encodeFrame, type Chunk } from '../../../src/store/frame-encode.ts';
import { MemoryChunkStore } from '../../../src/store/memory-chunk-store.ts';
import { ManualClock } from '../../doubles/manual-clock.ts';
import { ScriptedSource } from '../../doubles/scripted-source.ts';
import { seededBytes } from '../../vectors/seeded-bytes.ts';

const chunks = [1, 2, 3, 4].map((seed) => {
  const bytes = seededBytes(seed, 200_000);
  return { digest: hash(bytes), bytes };
});
const digests = chunks.map(({ digest }) => digest);
const { signal } = new AbortController();

/** A core that has every chunk, each in a frame of its own. */
function coreWithAll(): ScriptedSource {
  return new ScriptedSource('core', 'core', {
    async *frames(wanted) {
      for (const chunk of chunks) if (wanted.includes(chunk.digest)) yield encodeFrame([chunk]);
    },
  });
}

void t.test('who takes its frames may give their memory back before asking for the next, and what belongs to no update comes after', async (t) => {
  const store = new MemoryChunkStore();
  t.teardown(() => store.close());
  const core = coreWithAll();
  const clock = new ManualClock({ auto: true });
  const update = { to: hash(Buffer.from('to')), from: hash(Buffer.from('from')), lacking: new DigestSet(digests.slice(0, 2)) };
  const source = new UpdateSource({ core, store, updates: { updates: [update] }, clock, log: silentLog, onDelta: () => undefined });
  const startedMs = clock.monotonicMs();
  const came: string[] = [];
  for await (const frame of source.fetchFrames(digests, { signal })) {
    came.push(...decodeFrame(frame).map(({ digest }) => digest));
    freeBytes(frame);
  }
  t.same(came, digests);
  t.equal(clock.monotonicMs() - startedMs, DELTA_STORED_WAIT_MS, 'the turn lasts until the last chunks are stored, or as long as nobody stores them');
});

/** Two wants of one update at the same time. Of the first, one chunk comes `how`, the other whole, when `release` is called; `second` resolves when the second's are asked for. */
function twoWants(how: 'as a delta' | 'whole'): { readonly waiting: Promise<void>; readonly second: Promise<void>; readonly asked: readonly unknown[]; release(): Promise<readonly boolean[]> } {
  const store = new MemoryChunkStore();
  const [waiting, second, held] = [Promise.withResolvers<void>(), Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const core = new ScriptedSource('core', 'core', {
    async *frames(wanted, { onDelta, onDeltasEnd }) {
      const [one, other] = chunks.filter(({ digest }) => wanted.includes(digest)) as [Chunk, Chunk | undefined];
      if (other === undefined) second.resolve();
      const frame = encodeFrame([one]);
      if (how === 'as a delta') onDelta?.({ deltaBytes: 1, frameBytes: frame.byteLength, fullBytes: 2 });
      yield frame;
      onDeltasEnd?.();
      if (other === undefined) return;
      waiting.resolve();
      await held.promise;
      yield encodeFrame([other]);
    },
  });
  const update = { to: hash(Buffer.from('to')), from: hash(Buffer.from('from')), lacking: new DigestSet(digests) };
  const source = new UpdateSource({ core, store, updates: { updates: [update] }, clock: new ManualClock({ auto: true }), log: silentLog, onDelta: () => undefined });
  const take = async (wanted: readonly Digest[]): Promise<void> => {
    for await (const frame of source.fetchFrames(wanted, { signal })) await store.put([frame]);
  };
  const both = Promise.all([take(digests.slice(0, 2)), take(digests.slice(2, 3))]);
  return {
    waiting: waiting.promise,
    second: second.promise,
    asked: core.asked,
    async release() {
      held.resolve();
      await both;
      const stored = store.has(digests.slice(0, 3));
      await store.close();
      return stored;
    },
  };
}

void t.test('the next want gets its deltas while what no delta brought comes whole', async (t) => {
  const wants = twoWants('as a delta');
  await Promise.all([wants.waiting, wants.second]);
  t.same(await wants.release(), [true, true, true]);
});

void t.test('while no delta came the next want waits: they may be made meanwhile', async (t) => {
  const wants = twoWants('whole');
  await wants.waiting;
  for (let turn = 0; turn < 100; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  t.equal(wants.asked.length, 1);
  t.same(await wants.release(), [true, true, true]);
  t.equal(wants.asked.length, 2);
});

void t.test('a want that is given up lets the next one in', async (t) => {
  const store = new MemoryChunkStore();
  t.teardown(() => store.close());
  const core = coreWithAll();
  const update = { to: hash(Buffer.from('to')), from: hash(Buffer.from('from')), lacking: new DigestSet(digests) };
  const source = new UpdateSource({ core, store, updates: { updates: [update] }, clock: new ManualClock({ auto: true }), log: silentLog, onDelta: () => undefined });
  for await (const _ of source.fetchFrames(digests.slice(0, 2), { signal })) break;
  const came: Uint8Array[] = [];
  for await (const frame of source.fetchFrames(digests.slice(2), { signal })) came.push(frame);
  t.equal(came.length, 2);
});
