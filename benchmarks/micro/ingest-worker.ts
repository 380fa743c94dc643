/** A worker of ingest.bench.ts: reads, cuts, hashes and looks up files. Answers how many bytes those that it took had. */
import { closeSync, openSync, readSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { cutFile } from '../../src/chunking/cut-file.ts';
import { createCutKernel } from '../../src/chunking/cut-kernel.ts';
import { digestFromBytes, type Digest } from '../../src/chunking/digest.ts';
import { hashBytes } from '../../src/chunking/hash.ts';
import { DEFAULT_CHUNKER_PARAMS } from '../../src/chunking/params.ts';
import { portableBlake3 } from '../../src/chunking/portable-blake3.ts';

const blake3 = (workerData as { readonly portable: boolean }).portable ? portableBlake3 : hashBytes;
const kernel = createCutKernel(DEFAULT_CHUNKER_PARAMS);

export interface IngestJob {
  readonly paths: readonly string[];
  /** Which of them nobody has taken yet, for all workers. */
  readonly next: Int32Array<SharedArrayBuffer>;
}

parentPort?.on('message', ({ paths, next }: IngestJob) => {
  const known = new Set<Digest>();
  let bytes = 0;
  for (let path = paths[Atomics.add(next, 0, 1)]; path !== undefined; path = paths[Atomics.add(next, 0, 1)]) {
    const file = openSync(path, 'r');
    for (const chunk of cutFile(kernel, (into) => readSync(file, into))) {
      known.add(digestFromBytes(blake3(chunk)));
      bytes += chunk.length;
    }
    closeSync(file);
  }
  parentPort?.postMessage(bytes, []);
});
