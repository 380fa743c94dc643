/** What every publish and every check of a tree does with large files, before compression: the page cache is warm. */
import { once } from 'node:events';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { MiB } from '../../src/base/units.ts';
import { hashImplementation } from '../../src/chunking/hash.ts';
import type { Benchmark, Contender } from '../runner/benchmark.ts';
import type { IngestJob } from './ingest-worker.ts';
import { withSpeed } from './with-speed.ts';

const LARGE_BYTES = 1 * MiB;
const ROUNDS = 15;
const ONE = 'read + cut + hash + look up, one worker';
const TWO = 'read + cut + hash + look up, two workers';
const B3SUM = 'b3sum --num-threads 1';

export const benchmark: Benchmark = {
  name: 'ingest',
  question: 'How fast are warm files read, cut, hashed and looked up on one core, beside b3sum with one thread; and on two?',
  bounds: [
    { what: 'cut + hash + look up from warm files, one core: 0.5 x b3sum with one thread', value: { row: ONE, metric: 'mbPerCpuSecond' }, atLeast: [{ times: 0.5, row: B3SUM, metric: 'mbPerCpuSecond' }] },
    { what: 'two workers: 1.8 x one', value: { row: TWO, metric: 'mbPerSecond' }, atLeast: [{ times: 1.8, row: ONE, metric: 'mbPerSecond' }] },
  ],
  async run({ corpora, measure, child, table }) {
    const { v1 } = corpora.versions('app');
    const files = readdirSync(v1, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => ({ path: join(entry.parentPath, entry.name), bytes: statSync(join(entry.parentPath, entry.name)).size }))
      .filter(({ bytes }) => bytes >= LARGE_BYTES)
      .sort((a, b) => b.bytes - a.bytes);
    const totalBytes = files.reduce((sum, { bytes }) => sum + bytes, 0);
    const open: Worker[] = [];
    const row = (name: string, role: 'product' | 'reference', workerCount: number, portable: boolean): Contender => {
      const workers = Array.from({ length: workerCount }, () => new Worker(new URL('./ingest-worker.ts', import.meta.url), { workerData: { portable } }));
      open.push(...workers);
      return {
        name,
        role,
        run: async () => withSpeed(await measure(async () => {
          // The largest first, each to who is free first.
          const job: IngestJob = { paths: files.map(({ path }) => path), next: new Int32Array(new SharedArrayBuffer(4)) };
          const answers = await Promise.all(workers.map(async (worker) => {
            const answer = once(worker, 'message') as Promise<[number]>;
            worker.postMessage(job, []);
            return (await answer)[0];
          }));
          if (answers.reduce((sum, bytes) => sum + bytes, 0) !== totalBytes) throw new Error('workers read another number of bytes than the files have');
        }), totalBytes),
      };
    };
    try {
      await table(`${files.length} files of 1 MiB and more of app v1, ${hashImplementation} BLAKE3`, [
        row(ONE, 'product', 1, false),
        row(TWO, 'product', 2, false),
        row('the same without a native addon, one worker', 'product', 1, true),
        { name: B3SUM, role: 'peer', needs: 'b3sum', run: async () => withSpeed((await child('b3sum', ['--num-threads', '1', ...files.map(({ path }) => path)])).sample, totalBytes) },
      ], { rounds: ROUNDS, warmUps: 1, ratioOf: 'mbPerCpuSecond' });
    } finally {
      await Promise.all(open.map((worker) => worker.terminate()));
    }
  },
};
