/**
 * Question: how fast does a tree become chunks and a manifest, and what is that beside reading and copying it?
 *
 *     node benchmarks/micro/capture.bench.ts [DIR]
 *
 * DIR (default: the project's node_modules) is captured with the default parameters, blocks thrown away. A figure is the median of
 * five rounds, interleaved; the first, which warms the page cache, is not counted. `tar` reads everything into a pipe.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { captureTree, type CaptureStats } from '../../src/image/capture.ts';

const ROUNDS = 5;
const dir = process.argv[2] ?? fileURLToPath(new URL('../../node_modules', import.meta.url));

let stats: CaptureStats | undefined;

async function capture(): Promise<void> {
  const blocks = captureTree(dir);
  for (;;) {
    const step = await blocks.next();
    if (step.done !== true) continue;
    stats = step.value.stats;
    return;
  }
}

const rows: readonly (readonly [name: string, run: () => Promise<void> | void])[] = [
  ['captureTree', capture],
  ['tar to a pipe', () => void spawnSync('sh', ['-c', 'tar cf - -C "$1" . | cat > /dev/null', 'sh', dir])],
];

const seconds = new Map<string, number[]>(rows.map(([name]) => [name, []]));
for (let round = -1; round < ROUNDS; round += 1) {
  for (const [name, run] of rows) {
    const begin = performance.now();
    await run();
    if (round >= 0) seconds.get(name)?.push((performance.now() - begin) / 1000);
  }
}
if (stats === undefined) throw new Error('nothing was captured');
const { fileCount, logicalBytes, chunkCount, nodeCount } = stats;
console.log(`${dir}: ${fileCount} files, ${(logicalBytes / 1e6).toFixed(0)} MB, ${chunkCount} chunks, ${nodeCount} nodes\n`);
console.log(`${'what'.padEnd(20)}${'s'.padStart(8)}${'MB/s'.padStart(8)}${'files/s'.padStart(10)}`);
for (const [name, values] of seconds) {
  const median = values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
  console.log(`${name.padEnd(20)}${median.toFixed(2).padStart(8)}${(logicalBytes / 1e6 / median).toFixed(0).padStart(8)}${(fileCount / median).toFixed(0).padStart(10)}`);
}
console.log(`\nresident memory ${(process.memoryUsage.rss() / 1e6).toFixed(0)} MB`);
