/**
 * Question: how fast is a layer assembled and switched in, first and as an update, and what is that beside `cp -a`?
 *
 *     node benchmarks/micro/apply.bench.ts [DIR [NEWER-DIR]]
 *
 * DIR (default: the project's node_modules) and NEWER-DIR (default: DIR with one file in a hundred changed) are captured into memory. Rows:
 * the first apply, the same again (nothing to do), the update, a repair with no stat cache, a deep verification. `cp -a` is followed by `sync -f`, since
 * an apply flushes too. One round each, three times; the median counts.
 */
import { spawnSync } from 'node:child_process';
import { appendFileSync, lstatSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DEFAULT_CHUNKER_PARAMS } from '../../src/chunking/params.ts';
import { removeTree } from '../../src/image/remove-tree.ts';
import { verifyTree } from '../../src/image/verify-tree.ts';
import { apply, capture } from '../../test/unit/image/layer-in-memory.ts';

const ROUNDS = 3;
const dir = process.argv[2] ?? fileURLToPath(new URL('../../node_modules', import.meta.url));
const base = mkdtempSync(join(tmpdir(), 'branchcast-bench-'));

function changed(from: string): string {
  const to = join(base, 'newer');
  spawnSync('cp', ['-a', from, to]);
  const files = readdirSync(to, { recursive: true, encoding: 'utf8' }).map((name) => join(to, name)).filter((path) => lstatSync(path).isFile());
  for (const path of files.filter((_, at) => at % 100 === 0)) appendFileSync(path, '// changed\n');
  return to;
}

try {
  const v1 = await capture(dir, DEFAULT_CHUNKER_PARAMS);
  const v2 = await capture(process.argv[3] ?? changed(dir), DEFAULT_CHUNKER_PARAMS);
  const target = join(base, 'target');
  let fetchedBytes = 0;
  const rows: readonly (readonly [name: string, run: () => Promise<void> | void])[] = [
    ['cp -a; sync -f', () => void spawnSync('sh', ['-c', 'cp -a "$1" "$2" && sync -f "$2"', 'sh', dir, join(base, 'copy')])],
    ['first apply', async () => void (await apply(target, v1))],
    ['the same again', async () => void (await apply(target, v1, v1))],
    ['update', async () => void ({ fetchedBytes } = await apply(target, v2, v1))],
    ['repair, no stat cache', async () => (rmSync(join(base, '.target.branchcast', 'stat-cache')), void (await apply(target, v2, v2)))],
    ['verify', async () => void (await verifyTree(target, v2.manifest))],
  ];
  const seconds = new Map<string, number[]>(rows.map(([name]) => [name, []]));
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [name, run] of rows) {
      const begin = performance.now();
      await run();
      seconds.get(name)?.push((performance.now() - begin) / 1000);
    }
    for (const made of ['copy', 'target', '.target.branchcast']) await removeTree(Buffer.from(join(base, made)));
  }
  const { fileCount, logicalBytes } = v1.stats;
  console.log(`${dir}: ${fileCount} files, ${(logicalBytes / 1e6).toFixed(0)} MB; the update fetches ${(fetchedBytes / 1e6).toFixed(1)} MB\n`);
  console.log(`${'what'.padEnd(24)}${'s'.padStart(8)}${'MB/s'.padStart(8)}${'files/s'.padStart(10)}`);
  for (const [name, values] of seconds) {
    const median = values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
    console.log(`${name.padEnd(24)}${median.toFixed(2).padStart(8)}${(logicalBytes / 1e6 / median).toFixed(0).padStart(8)}${(fileCount / median).toFixed(0).padStart(10)}`);
  }
} finally {
  await removeTree(Buffer.from(base));
}
