/** A frame on the border of two questions to the core: every wanted chunk comes, and nothing twice. */
import t from 'tap';
import { BranchcastError } from '../../../src/base/errors.ts';
import { freeBytes } from '../../../src/base/free-bytes.ts';
import { CHUNK_BYTES_MAX } from '../../../src/base/limits/frames.ts';
import { LOCATE_DIGESTS, WAN_WINDOW_BYTES } from '../../../src/base/limits/wan.ts';
import type { Digest } from '../../../src/chunking/digest.ts';
import { hash } from '../../../src/chunking/hash.ts';
import { decodeFrame } from '../../../src/store/frame-decode.ts';
import { encodeFrame } from '../../../src/store/frame-encode.ts';
import { CoreClient } from '../../../src/wan/core-client.ts';
import { FrameExchange } from '../../../src/wan/frame-exchange.ts';
import { fetchFramesOf } from '../../../src/wan/frame-fetch.ts';
import type { WantedFrame } from '../../../src/wan/frame-list.ts';
import { startTestCore } from '../../doubles/test-core.ts';
import { seededBytes } from '../../vectors/seeded-bytes.ts';
import { scratchDirectory } from '../image/scratch.ts';

const FRAME_CHUNKS = LOCATE_DIGESTS - 500;
const CHUNK_BYTES = 8;
const chunks = Array.from({ length: 2 * FRAME_CHUNKS }, (_, index) => {
  const bytes = Buffer.from(String(index).padStart(CHUNK_BYTES));
  return { digest: hash(bytes), bytes };
});
const indexOf = new Map(chunks.map(({ digest }, index) => [digest, index]));
/** The second starts within the first question and ends within the second. */
const frames = [chunks.slice(0, FRAME_CHUNKS), chunks.slice(FRAME_CHUNKS)].map((part) => encodeFrame(part));
const pack = Buffer.concat(frames);

/** A core with one pack of two frames; `readable`: whether the pack can be read. */
class OnePack extends CoreClient {
  readonly alone: Digest[] = [];
  packBytes = 0;
  readonly #readable: boolean;

  constructor(readable: boolean) {
    super('http://core.invalid');
    this.#readable = readable;
  }

  override async locate(digests: readonly Digest[]): Promise<WantedFrame[]> {
    return frames.flatMap((frame, number) => {
      const wanted = digests.flatMap((digest, index) => (Math.floor((indexOf.get(digest) ?? -1) / FRAME_CHUNKS) === number ? [index] : []));
      const offsetBytes = number === 0 ? 0 : frames[0]?.byteLength ?? 0;
      return wanted.length === 0 ? [] : [{ packId: 'p', offsetBytes, storedBytes: frame.byteLength, rawBytes: FRAME_CHUNKS * CHUNK_BYTES, wantedRawBytes: wanted.length * CHUNK_BYTES, wanted }];
    });
  }

  override async *readPack(_packId: string, startBytes: number, endBytes: number): AsyncGenerator<Uint8Array> {
    if (!this.#readable) throw new BranchcastError('BC_PACK_NOT_FOUND', 'gone');
    this.packBytes += endBytes - startBytes;
    yield pack.subarray(startBytes, endBytes);
  }

  override async *fetchChunks(digests: readonly Digest[]): AsyncGenerator<Uint8Array> {
    this.alone.push(...digests);
    yield encodeFrame(digests.map((digest) => chunks[indexOf.get(digest) ?? -1] as (typeof chunks)[number]));
  }
}

async function fetched(client: CoreClient, wanted: readonly Digest[]): Promise<Set<Digest>> {
  const exchange = new FrameExchange();
  const came = new Set<Digest>();
  for await (const frame of fetchFramesOf(client, exchange, wanted, AbortSignal.timeout(10_000))) for (const { digest } of decodeFrame(frame)) came.add(digest);
  t.equal(exchange.size, 0, 'nobody wants anything any more');
  return came;
}

const all = chunks.map(({ digest }) => digest);

void t.test('wanted whole by two questions together, it travels once', async (t) => {
  const core = new OnePack(true);
  t.teardown(() => core.close());
  t.equal((await fetched(core, all)).size, all.length);
  t.equal(core.packBytes, pack.byteLength);
  t.same(core.alone, []);
});

void t.test('wanted little of by both, all of its wanted chunks come, each once', async (t) => {
  const core = new OnePack(true);
  t.teardown(() => core.close());
  // Of the second frame less than half: 500 chunks by the first question, 100 by the second.
  const wanted = all.slice(0, FRAME_CHUNKS + 600);
  const came = await fetched(core, wanted);
  t.same(wanted.filter((digest) => !came.has(digest)), []);
  t.equal(core.alone.length, 600, 'no chunk twice');
});

void t.test('a pack that cannot be read: every chunk is asked for by its own digest', async (t) => {
  const core = new OnePack(false);
  t.teardown(() => core.close());
  const came = await fetched(core, all);
  t.same(all.filter((digest) => !came.has(digest)), []);
  t.ok(core.alone.every((digest) => indexOf.has(digest)));
});

void t.test('who takes frames may give their memory back at once: the window knows what it held', async (t) => {
  // Several windows of frames, whichever are handed on as they came.
  const large = seededBytes(7, 3 * WAN_WINDOW_BYTES);
  const parts = Array.from({ length: large.byteLength / CHUNK_BYTES_MAX }, (_, index) => large.subarray(index * CHUNK_BYTES_MAX, (index + 1) * CHUNK_BYTES_MAX));
  const layer = parts.map((bytes) => ({ digest: hash(bytes), bytes }));
  const core = await startTestCore(scratchDirectory(t));
  t.teardown(() => core.close());
  const client = new CoreClient(core.url);
  t.teardown(() => client.close());
  await client.uploadFrames(Buffer.concat(layer.map((chunk) => encodeFrame([chunk]))), {});
  let count = 0;
  for await (const frame of fetchFramesOf(client, new FrameExchange(), layer.map(({ digest }) => digest), AbortSignal.timeout(20_000))) {
    count += decodeFrame(frame).length;
    freeBytes(frame);
  }
  t.equal(count, layer.length);
});
