import t from 'tap';
import { FRAMES_PER_WORKER } from '../../../src/base/limits/store.ts';
import { encodeFrame } from '../../../src/store/frame-encode.ts';
import { FrameWorkers } from '../../../src/store/frame-workers.ts';
import { chunkOf, noiseChunks, prose } from './chunks.ts';

const noise = noiseChunks(20, 3000);
const words = noise.map((_, seed) => chunkOf(prose(3000, seed + 1)));

await t.test('a worker makes the frame that encodeFrame makes, however many there are', async (t) => {
  for (const workerCount of [1, 2, 4]) {
    const workers = new FrameWorkers(workerCount);
    for (const chunks of [noise, words, noise.slice(0, 1), [...noise, ...noise]]) t.same(Buffer.from(await workers.encodeChunks(chunks)), Buffer.from(encodeFrame(chunks)));
    await workers.close();
  }
});

await t.test('what decodeFrame refuses a worker refuses', async (t) => {
  const workers = new FrameWorkers(1);
  await workers.verify(encodeFrame(words));
  const lies = encodeFrame([{ digest: noise[1]!.digest, bytes: noise[0]!.bytes }]);
  await t.rejects(workers.verify(lies), { code: 'BC_CHUNK_CORRUPT', details: { digest: noise[1]!.digest } });
  const torn = encodeFrame(words);
  torn[torn.byteLength - 1]! ^= 1;
  await t.rejects(workers.verify(torn), { code: 'BC_FRAME_MALFORMED' });
  await workers.verify(encodeFrame(noise));
  await workers.close();
  await t.rejects(workers.verify(lies), { code: 'BC_CANCELLED' });
});

await t.test('there are no more drafts than there is memory for', async (t) => {
  const workers = new FrameWorkers(1, 1);
  const drafts = await Promise.all(Array.from({ length: FRAMES_PER_WORKER + 1 }, () => workers.draft()));
  const waiting = [workers.draft(), workers.draft()];
  const order: number[] = [];
  waiting.forEach((draft, index) => void draft.then(() => order.push(index)));
  await new Promise((resolve) => setImmediate(resolve));
  t.same(order, [], 'they wait');
  for (const draft of drafts.slice(0, 2)) {
    draft.add(words[0]!.digest, words[0]!.bytes);
    const made = await workers.encode(draft, 3);
    made.release();
    made.release();
  }
  await Promise.all(waiting);
  t.same(order, [0, 1], 'in the order in which they came, one for each that was given back');
  await workers.close();
});
