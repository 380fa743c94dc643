/** Writes chunks into a store as fast as it can and names each one that was accepted on stdout, until it is killed. */
import { writeSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { KiB } from '../../src/base/units.ts';
import { encodeFrame } from '../../src/store/frame-encode.ts';
import { openPackChunkStore } from '../../src/store/pack-chunk-store.ts';
import { writtenChunks } from './written-chunks.ts';

// What was compiled is otherwise kept when a process exits, which this one never does.
flushCompileCache();

const [dir, firstSeed, quotaBytes] = process.argv.slice(2) as [string, string, string];
const store = await openPackChunkStore({ dir, packBytesTarget: 256 * KiB, ...(quotaBytes === '0' ? {} : { quotaBytes: Number(quotaBytes) }) });
let seed = Number(firstSeed);

/** Several writers, so that groups form. A pipe write of a few bytes is atomic and does not wait. */
async function write(): Promise<never> {
  for (;;) {
    const mine = seed;
    seed += 1;
    await store.put([encodeFrame(writtenChunks(mine))]);
    writeSync(1, `${mine}\n`);
  }
}
await Promise.all([write(), write(), write()]);
