import t from 'tap';
import { BranchcastError } from '../../../src/base/errors.ts';
import { FETCH_BATCHES_MAX, FETCH_BATCH_DIGESTS_MAX } from '../../../src/base/limits/fetching.ts';
import { hash } from '../../../src/chunking/hash.ts';
import { encodeFrame } from '../../../src/store/frame-encode.ts';
import { MemoryChunkStore } from '../../../src/store/memory-chunk-store.ts';
import { FetchOnce } from '../../../src/transfer/fetch-once.ts';
import { ScriptedSource } from '../../doubles/scripted-source.ts';

const chunks = Array.from({ length: 9000 }, (_, index) => {
  const bytes = Buffer.from(`chunk ${index}`);
  return { digest: hash(bytes), bytes };
});
const byDigest = new Map(chunks.map((chunk) => [chunk.digest, chunk]));
const digests = chunks.map(({ digest }) => digest);

function honest(gate: Promise<void> = Promise.resolve()): ScriptedSource {
  return new ScriptedSource('core', 'core', {
    async *frames(wanted) {
      await gate;
      for (const digest of wanted) {
        const chunk = byDigest.get(digest);
        if (chunk !== undefined) yield encodeFrame([chunk]);
      }
    },
  });
}

t.test('fifty wants of every chunk cause one fetch of each', async (t) => {
  const gate = Promise.withResolvers<void>();
  const source = honest(gate.promise);
  const fetch = new FetchOnce(new MemoryChunkStore(), source);
  const arrivals = Array.from({ length: 50 }, () => fetch.want(digests)).flat();
  gate.resolve();
  t.same(new Set(await Promise.all(arrivals)), new Set(['stored']));
  t.same(source.asked.flat().toSorted(), digests.toSorted(), 'each digest was asked for once');
  t.ok(source.asked.every((batch) => batch.length <= FETCH_BATCH_DIGESTS_MAX));
  t.equal(fetch.pendingCount, 0);
  await fetch.close();
});

t.test('what is stored costs nothing; what nobody has is missing', async (t) => {
  const store = new MemoryChunkStore();
  await store.put([encodeFrame(chunks.slice(0, 3))]);
  const source = honest();
  const fetch = new FetchOnce(store, source);
  const nobodys = hash(Buffer.from('never published'));
  t.same(await Promise.all(fetch.want([...digests.slice(0, 3), nobodys])), ['stored', 'stored', 'stored', 'missing']);
  t.same(source.asked, [[nobodys]]);
  await fetch.close();
});

t.test('chunks that come along in a frame are not fetched again', async (t) => {
  const source = new ScriptedSource('core', 'core', {
    async *frames() {
      yield encodeFrame(chunks);
    },
  });
  const fetch = new FetchOnce(new MemoryChunkStore(), source);
  await Promise.all(fetch.want(digests));
  t.ok(source.asked.length <= FETCH_BATCHES_MAX, `${source.asked.length} calls: the queue was emptied by the first frame`);
  await fetch.close();
});

t.test('wrong bytes are not kept, the source is named, and the next want tries again', async (t) => {
  const [first, second] = chunks as [(typeof chunks)[0], (typeof chunks)[0]];
  let lie = true;
  const source = new ScriptedSource('core x', 'core', {
    async *frames(wanted) {
      if (lie) yield encodeFrame([{ digest: first.digest, bytes: Buffer.from('a lie') }]);
      for (const digest of wanted) if (!lie || digest !== first.digest) yield encodeFrame([byDigest.get(digest) as typeof first]);
    },
  });
  const corrupt: BranchcastError[] = [];
  const store = new MemoryChunkStore();
  const fetch = new FetchOnce(store, source, { onCorrupt: (error) => corrupt.push(error) });
  const [a, b] = fetch.want([first.digest, second.digest]);
  await t.rejects(a as Promise<unknown>, { code: 'BC_CHUNK_CORRUPT', message: /core x sent wrong bytes/, details: { source: 'core x' } });
  t.equal(await b, 'stored', 'the other chunk of the batch is not harmed');
  t.equal(corrupt.length, 1);
  t.same(store.has([first.digest]), [false]);
  lie = false;
  t.same(await Promise.all(fetch.want([first.digest])), ['stored']);
  await fetch.close();
});

t.test('an outage reaches the waiters, and is over when it is over', async (t) => {
  let down = true;
  const source = new ScriptedSource('core', 'core', {
    async *frames(wanted) {
      if (down) throw new BranchcastError('BC_CORE_UNREACHABLE', 'no route');
      for (const digest of wanted) yield encodeFrame([byDigest.get(digest) as (typeof chunks)[0]]);
    },
  });
  const fetch = new FetchOnce(new MemoryChunkStore(), source);
  for (const arrival of fetch.want(digests.slice(0, 2))) await t.rejects(arrival, { code: 'BC_CORE_UNREACHABLE' });
  down = false;
  t.same(await Promise.all(fetch.want(digests.slice(0, 2))), ['stored', 'stored']);
  await fetch.close();
});

t.test('close ends what is under way', async (t) => {
  const source = new ScriptedSource('core', 'core', {
    async *frames(_wanted, { signal }) {
      await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
      yield new Uint8Array();
    },
  });
  const fetch = new FetchOnce(new MemoryChunkStore(), source);
  const arrivals = fetch.want(digests.slice(0, 2));
  await fetch.close();
  for (const arrival of arrivals) await t.rejects(arrival, { code: 'BC_CANCELLED' });
  t.throws(() => fetch.want(digests), { code: 'BC_CANCELLED' });
});
