/** A worker of ingest.bench.ts: reads, cuts, hashes and looks up the files that it is told. Answers how many bytes they had. */
import { closeSync, openSync, readSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { cutFile } from '../../src/chunking/cut-file.ts';
import { createCutKernel } from '../../src/chunking/cut-kernel.ts';
import { digestFromBytes, type Digest } from '../../src/chunking/digest.ts';
import { hashBytes } from '../../src/chunking/hash.ts';
import { DEFAULT_CHUNKER_PARAMS } from '../../src/chunking/params.ts';
import { wasmBlake3 } from '../../src/chunking/wasm-blake3.ts';

const blake3 = (workerData as { readonly portable: boolean }).portable ? wasmBlake3 : hashBytes;
const kernel = createCutKernel(DEFAULT_CHUNKER_PARAMS);

parentPort?.on('message', (files: readonly string[]) => {
  const known = new Set<Digest>();
  let bytes = 0;
  for (const path of files) {
    const file = openSync(path, 'r');
    for (const chunk of cutFile(kernel, (into) => readSync(file, into))) {
      known.add(digestFromBytes(blake3(chunk)));
      bytes += chunk.length;
    }
    closeSync(file);
  }
  parentPort?.postMessage(bytes, []);
});
