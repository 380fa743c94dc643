import t from 'tap';
import { BranchcastError } from '../../../src/base/errors.ts';
import { silentLog } from '../../../src/base/log.ts';
import { hash } from '../../../src/chunking/hash.ts';
import type { Digest } from '../../../src/chunking/digest.ts';
import { encodeFrame } from '../../../src/store/frame-encode.ts';
import { Sources } from '../../../src/transfer/ask-sources.ts';
import { fetchChunks } from '../../../src/transfer/fetch-chunks.ts';
import { ManualClock } from '../../doubles/manual-clock.ts';
import { ScriptedSource, type Script } from '../../doubles/scripted-source.ts';

type Chunk = { readonly digest: Digest; readonly bytes: Buffer };
const chunks: Chunk[] = ["one", "two", "three", "four"].map((text) => ({ digest: hash(Buffer.from(text)), bytes: Buffer.from(text) }));
const [one, two, three, four] = chunks as [Chunk, Chunk, Chunk, Chunk];
const wanted = chunks.map(({ digest }) => digest);

/** A source that holds these chunks and sends one frame for each. */
function holder(...held: typeof chunks): Script {
  return {
    async *frames(digests) {
      for (const chunk of held) if (digests.includes(chunk.digest)) yield encodeFrame([chunk]);
    },
  };
}

async function* failing(fail: () => never): AsyncGenerator<Uint8Array> {
  fail();
  yield new Uint8Array();
}

function sources(list: ScriptedSource[], options: { coreAllowed?: boolean; giveUpAfterMs?: number } = {}): Sources {
  return new Sources({
    sources: list,
    policy: { coreAllowed: options.coreAllowed ?? true, coreAfterMs: 60_000 },
    giveUpAfterMs: options.giveUpAfterMs ?? 120_000,
    clock: new ManualClock({ auto: true }),
    log: silentLog,
  });
}

async function fetched(from: Sources, signal = new AbortController().signal): Promise<Map<Digest, string>> {
  const got = new Map<Digest, string>();
  await fetchChunks(
    wanted,
    from,
    {
      onChunks: (received, kind) => {
        for (const { digest, bytes } of received) {
          t.notOk(got.has(digest), 'each chunk once');
          t.equal(hash(bytes), digest);
          got.set(digest, kind);
        }
      },
    },
    signal,
  );
  return got;
}

t.test('all from one source', async (t) => {
  const near = new ScriptedSource('near', 'reflector', holder(...chunks));
  t.equal((await fetched(sources([near]))).size, 4);
  t.equal(near.asked.length, 1);
});

t.test('what one lacks comes from the next', async (t) => {
  const near = new ScriptedSource('near', 'reflector', holder(one, three));
  const core = new ScriptedSource('core', 'core', holder(...chunks));
  const got = await fetched(sources([near, core]));
  t.same(got, new Map([[one.digest, 'reflector'], [three.digest, 'reflector'], [two.digest, 'core'], [four.digest, 'core']]));
  t.same(core.asked, [[two.digest, four.digest]], 'the core is asked for the rest only');
});

t.test('a lying source writes nothing, is named, and is not asked again', async (t) => {
  const liar = new ScriptedSource('liar', 'reflector', {
    async *frames() {
      yield encodeFrame([one]);
      yield encodeFrame([{ digest: two.digest, bytes: Buffer.from('not two') }]);
    },
  });
  const honest = new ScriptedSource('honest', 'reflector', holder(...chunks));
  t.equal((await fetched(sources([liar, honest]))).size, 4);
  t.equal(liar.asked.length, 1);
  t.same(honest.asked, [[two.digest, three.digest, four.digest]]);

  const alone = new ScriptedSource('liar', 'reflector', { frames: async function* () { yield encodeFrame([{ digest: two.digest, bytes: Buffer.from('not two') }]); } });
  await t.rejects(fetched(sources([alone])), { code: 'BC_NO_SOURCE', message: /liar: quarantined, liar sent wrong bytes/, details: { source: 'liar', lastCode: 'BC_CHUNK_CORRUPT' } });
});

t.test('a source that comes back is asked for the rest', async (t) => {
  let call = 0;
  const flaky = new ScriptedSource('flaky', 'reflector', {
    async *frames(digests) {
      call += 1;
      if (call === 2) throw new BranchcastError('BC_REFLECTOR_UNREACHABLE', 'restarting');
      const chunk = chunks.find(({ digest }) => digest === digests[0]) as (typeof chunks)[0];
      yield encodeFrame([chunk]);
      if (call === 1) throw new BranchcastError('BC_CONNECTION_LOST', 'killed');
    },
  });
  const core = new ScriptedSource('core', 'core', holder(...chunks));
  const got = await fetched(sources([flaky, core]));
  t.equal(got.size, 4);
  t.equal(core.asked.length, 0, 'no WAN byte for a short outage');
});

t.test('gives up with the reasons when nothing helps for long', async (t) => {
  const dead = new ScriptedSource('dead', 'reflector', { frames: () => failing(() => { throw new BranchcastError('BC_REFLECTOR_UNREACHABLE', 'nobody there'); }) });
  await t.rejects(fetched(sources([dead], { giveUpAfterMs: 30_000 })), { code: 'BC_NO_SOURCE', message: /within 30 s: nobody there/ });
  await t.rejects(fetched(sources([])), { code: 'BC_NO_SOURCE', message: /no reflector and no core/ });
});

t.test('what fails here is not blamed on a source', async (t) => {
  const near = new ScriptedSource('near', 'reflector', holder(...chunks));
  const full = new BranchcastError('BC_DISK_FULL', 'lacks 3 bytes');
  const failing = fetchChunks(wanted, sources([near]), { onChunks: () => { throw full; } }, new AbortController().signal);
  await t.rejects(failing, full);
  t.equal(near.asked.length, 1);
});

t.test('an abort ends it', async (t) => {
  const abort = new AbortController();
  const near = new ScriptedSource('near', 'reflector', { frames: () => failing(() => { abort.abort(); throw new Error('torn'); }) });
  await t.rejects(fetched(sources([near]), abort.signal), { code: 'BC_CANCELLED' });
});
