/** What an upload sends does not depend on how many threads made it, nor on how long each answer took. */
import t from 'tap';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Digest } from '../../../src/chunking/digest.ts';
import type { CoreClient } from '../../../src/wan/core-client.ts';
import { uploadBlocks } from '../../../src/wan/layer-uploader.ts';
import { each, makeLayer, noiseFiles } from '../../doubles/test-core.ts';

/** Some 20 frames of chunks and one of nodes: several uploads. */
const layer = makeLayer(noiseFiles(240, 90_000));

/** A core that lacks everything and takes its time. */
function slowCore(uploads: Buffer[]): CoreClient {
  const core: Pick<CoreClient, 'missing' | 'uploadFrames'> = {
    async missing(digests: readonly Digest[]) {
      await sleep(digests.length % 7);
      return digests.map(() => true);
    },
    async uploadFrames(body) {
      // Kept as it came, which is the order of the upload, not that of the answers.
      uploads.push(Buffer.from(body));
      await sleep(10 - (uploads.length % 3) * 4);
      return { newChunkCount: 0, newRawBytes: 0, newStoredBytes: 0 };
    },
  };
  return core as CoreClient;
}

void t.test('the same bytes, whatever the number of workers', async (t) => {
  const sent: Buffer[][] = [];
  for (const workerCount of [1, 2, 4]) {
    const uploads: Buffer[] = [];
    const report = await uploadBlocks(slowCore(uploads), each(layer.blocks), { workerCount });
    t.equal(report.uploadBytes, uploads.reduce((sum, upload) => sum + upload.byteLength, 0));
    sent.push(uploads);
  }
  t.ok((sent[0]?.length ?? 0) > 3, `${sent[0]?.length ?? 0} uploads`);
  t.same(sent[1], sent[0]);
  t.same(sent[2], sent[0]);
});
