import t from 'tap';
import { freeBytes } from '../../../src/base/free-bytes.ts';
import { DELTA_STORED_WAIT_MS } from '../../../src/base/limits.ts';
import { silentLog } from '../../../src/base/log.ts';
import { hash } from '../../../src/chunking/hash.ts';
import { UpdateSource } from '../../../src/reflector/update-source.ts';
import { decodeFrame } from '../../../src/store/frame-decode.ts';
import { DigestSet } from '../../../src/store/digest-set.ts';
import { encodeFrame } from '../../../src/store/frame-encode.ts';
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

void t.test('who takes its frames may give their memory back before asking for the next, and what belongs to no update comes after', async (t) => {
  const store = new MemoryChunkStore();
  t.teardown(() => store.close());
  const core = new ScriptedSource('core', 'core', {
    async *frames(wanted) {
      for (const chunk of chunks) if (wanted.includes(chunk.digest)) yield encodeFrame([chunk]);
    },
  });
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
