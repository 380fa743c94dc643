/** Content that moved to another name is found again by its sketch. */
import { join } from 'node:path';
import t from 'tap';
import { parseDeltaHeader } from '../../../src/delta/delta-header.ts';
import { LocatedChunks } from '../../../src/delta/located-chunks.ts';
import { makeDeltas } from '../../../src/delta/make-deltas.ts';
import { sketch, SketchIndex } from '../../../src/delta/sketch.ts';
import { MemoryChunkStore } from '../../../src/store/memory-chunk-store.ts';
import { framesOf, storeVersion, type Files } from '../../doubles/versions.ts';
import { noise } from '../store/chunks.ts';

/** Every so many bytes another one. */
function scattered(bytes: Uint8Array, everyBytes: number): Buffer {
  const copy = Buffer.from(bytes);
  for (let at = everyBytes >> 1; at < copy.byteLength; at += everyBytes) copy[at] = (copy[at] as number) ^ 0x55;
  return copy;
}

t.test('a sketch finds the chunk that is most alike, wherever its bytes stand', (t) => {
  const index = new SketchIndex();
  const chunks = Array.from({ length: 50 }, (_, at) => noise(20_000, at + 1));
  chunks.forEach((chunk, at) => index.add(at, sketch(chunk)));
  chunks.forEach((chunk, at) => {
    t.equal(index.mostAlike(sketch(chunk)), at, 'itself');
    t.equal(index.mostAlike(sketch(Buffer.concat([noise(3000, 999), chunk.subarray(5000)]))), at, 'moved and cut');
  });
  t.equal(index.mostAlike(sketch(noise(20_000, 77))), undefined, 'like none of them');
  t.equal(index.mostAlike(sketch(Buffer.alloc(20_000))), undefined, 'zeros are like nothing');
  t.equal(index.mostAlike(sketch(new Uint8Array(0))), undefined);
  t.end();
});

await t.test('renamed and edited files become small deltas', async (t) => {
  const store = new MemoryChunkStore();
  const before: Files = { 'old/one': noise(200_000, 1), 'old/two': noise(200_000, 2), stays: noise(50_000, 3) };
  // An edit in every chunk: none is the same any more.
  const after: Files = { 'new/name': scattered(before['old/two'] as Uint8Array, 700), 'new/other': scattered(before['old/one'] as Uint8Array, 700), stays: noise(50_000, 3) };
  const old = await storeVersion(store, join(t.testdir(), '1'), before);
  const now = await storeVersion(store, join(t.testdirName, '2'), after);
  let deltaBytes = 0;
  let rawBytes = 0;
  for await (const step of makeDeltas(old.root, now.root, new LocatedChunks(framesOf(store)))) {
    if (step.kind === 'planned' || step.delta === undefined) continue;
    deltaBytes += step.delta.byteLength;
    rawBytes += parseDeltaHeader(step.delta)?.rawBytes ?? 0;
  }
  t.ok(rawBytes > 350_000, `${rawBytes} of 400,000 bytes came as deltas`);
  t.ok(deltaBytes < rawBytes / 5, `${deltaBytes} bytes for ${rawBytes}`);
});
