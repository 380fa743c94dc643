import t from 'tap';
import { FRAME_RAW_BYTES_TARGET } from '../../../src/base/limits/frames.ts';
import { FrameBuilder } from '../../../src/store/frame-builder.ts';
import { encodeFrame } from '../../../src/store/frame-encode.ts';
import { parseFrameHeader } from '../../../src/store/frame-header.ts';
import { splitFrames } from '../../../src/store/frame-stream.ts';
import { chunkOf, noise, noiseChunks, prose } from './chunks.ts';

const frames = [encodeFrame([chunkOf(prose(3000))]), encodeFrame(noiseChunks(5, 40)), encodeFrame([chunkOf(noise(1))])];
const stream = Buffer.concat(frames);

async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < bytes.byteLength; i += size) yield bytes.subarray(i, i + size);
}

async function collect(source: AsyncIterable<Uint8Array>): Promise<string[]> {
  const found: string[] = [];
  for await (const frame of source) found.push(Buffer.from(frame).toString('hex'));
  return found;
}

await t.test('frames come out whole, however the stream is cut', async (t) => {
  const wanted = frames.map((frame) => Buffer.from(frame).toString('hex'));
  for (const size of [1, 2, 19, 20, 21, 97, 1000, stream.byteLength]) t.same(await collect(splitFrames(pieces(stream, size))), wanted, `pieces of ${size}`);
  t.same(await collect(splitFrames(pieces(stream, stream.byteLength + 1))), wanted);
  t.same(await collect(splitFrames(pieces(new Uint8Array(0), 1))), []);
});

await t.test('a stream that ends inside a frame is refused, after the frames before it', async (t) => {
  const lengths = frames.map((frame) => frame.byteLength);
  const cut = (lengths[0] as number) + (lengths[1] as number) - 1;
  const found: Uint8Array[] = [];
  await t.rejects(async () => {
    for await (const frame of splitFrames(pieces(stream.subarray(0, cut), 64))) found.push(frame);
  }, { code: 'BC_FRAME_MALFORMED' });
  t.equal(found.length, 1);
});

await t.test('a lying length is refused before the bytes that it announces are read', async (t) => {
  const huge = Buffer.from(frames[0] as Uint8Array);
  huge.writeUInt32LE(0xffff_fff0, 12);
  let pulled = 0;
  async function* endless(): AsyncGenerator<Uint8Array> {
    yield huge.subarray(0, 64);
    for (;;) {
      pulled += 1;
      yield new Uint8Array(1024);
    }
  }
  await t.rejects(collect(splitFrames(endless())), { code: 'BC_FRAME_MALFORMED' });
  t.equal(pulled, 0);
});

await t.test('a frame is full at its target', async (t) => {
  const builder = new FrameBuilder();
  const chunk = noiseChunks(5, FRAME_RAW_BYTES_TARGET / 4 - 1);
  const made = chunk.map((one) => builder.add(one));
  t.same(made.map((frame) => frame !== undefined), [false, false, false, false, true]);
  t.equal(parseFrameHeader(made[4] as Uint8Array)?.chunks.length, 5);
  t.equal(builder.finish(), undefined);
  builder.add(chunk[0] as (typeof chunk)[number]);
  t.equal(parseFrameHeader(builder.finish() as Uint8Array)?.chunks.length, 1);
});
