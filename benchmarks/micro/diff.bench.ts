/**
 * Question: what does it cost to list what changed between two manifests, and does it grow with the trees?
 *
 *     node benchmarks/micro/diff.bench.ts [ENTRIES [CHANGES]]     (default 1000000 100)
 *
 * Trees of 1/16, 1/4 and all of ENTRIES, in directories of 64 files, with CHANGES files changed at random. "warm" is the median of
 * seven diffs with new readers, node bytes in memory. "cold" is the first diff of a new process that reads nodes from a file: its
 * code is not compiled yet and nothing is decoded. The goal (issue of dedup and diff): warm < 50 ms, nodes read <= 4 x depth x changes.
 */
import { decode } from '@ipld/dag-cbor';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, openSync, readFileSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseDigest, type Digest } from '../../src/chunking/digest.ts';
import { hash } from '../../src/chunking/hash.ts';
import { buildManifest } from '../../src/manifest/build.ts';
import { diffManifests } from '../../src/manifest/diff.ts';
import type { Entry, Piece } from '../../src/manifest/entry.ts';
import { keyFromPath } from '../../src/manifest/key.ts';
import { missingBlocks } from '../../src/manifest/missing-blocks.ts';
import { decodeNode } from '../../src/manifest/node.ts';
import { Manifest, type ReadBlock } from '../../src/manifest/read.ts';
import { seededNumbers } from '../../test/doubles/seeded-tree.ts';

const FILES_PER_DIRECTORY = 64;
const ROUNDS = 7;
const COMMON = { mode: 0o644, uid: 0, gid: 0, mtimeSeconds: 1_700_000_000, mtimeNanos: 123_456_789 };

interface Stored {
  readonly before: Digest;
  readonly after: Digest;
  readonly blocks: ReadonlyMap<Digest, Uint8Array>;
  readonly depth: number;
}

/** About what a tree of npm packages looks like: eight small files share a bundle. */
function* tree(entryCount: number): Generator<Entry> {
  yield { type: 'directory', key: keyFromPath(''), ...COMMON };
  for (let count = 1, directory = 0; count < entryCount; directory += 1) {
    const path = `package-${(directory * 7919) % 1_000_003}`;
    yield { type: 'directory', key: keyFromPath(path), ...COMMON };
    count += 1;
    for (let file = 0; file < FILES_PER_DIRECTORY && count < entryCount; file += 1, count += 1) {
      const chunk: Piece = { digest: hash(Buffer.from(`${directory}/${file >> 3}`)), chunkBytes: 60_000, offsetBytes: (file & 7) * 7000, lengthBytes: 7000 };
      yield { type: 'file', key: keyFromPath(`${path}/module-${file}.js`), ...COMMON, sizeBytes: 7000, content: { pieces: [chunk] } };
    }
  }
}

function edited(entries: readonly Entry[], changeCount: number): Entry[] {
  const next = seededNumbers(1);
  const result = [...entries];
  for (let change = 0; change < changeCount; ) {
    const at = next(result.length);
    const victim = result[at];
    if (victim?.type !== 'file' || victim.mtimeSeconds !== COMMON.mtimeSeconds) continue;
    result[at] = { ...victim, mtimeSeconds: 1_750_000_000, content: { pieces: [{ digest: hash(Buffer.from(`change ${change}`)), chunkBytes: 7000, offsetBytes: 0, lengthBytes: 7000 }] } };
    change += 1;
  }
  return result;
}

async function store(entryCount: number, changeCount: number): Promise<Stored> {
  const blocks = new Map<Digest, Uint8Array>();
  const entries = [...tree(entryCount)];
  const started = performance.now();
  const before = buildManifest(entries, ({ digest, bytes }) => blocks.set(digest, bytes));
  const buildMs = performance.now() - started;
  const after = buildManifest(edited(entries, changeCount), ({ digest, bytes }) => blocks.set(digest, bytes));
  const root = decodeNode(blocks.get(before.root) ?? Buffer.alloc(0), before.root);
  console.log(`${entryCount} entries: built in ${buildMs.toFixed(0)} ms, ${before.nodeCount} nodes, ${(before.nodeBytes / entryCount).toFixed(1)} bytes an entry`);
  return { before: before.root, after: after.root, blocks, depth: root.level + 1 };
}

/** Milliseconds, and nodes read. */
async function timeDiff(before: Digest, after: Digest, read: ReadBlock): Promise<{ ms: number; readCount: number; changeCount: number }> {
  let [readCount, changeCount] = [0, 0];
  const counting: ReadBlock = (digest) => {
    readCount += 1;
    return read(digest);
  };
  const started = performance.now();
  for await (const _ of diffManifests(new Manifest(before, counting), new Manifest(after, counting))) changeCount += 1;
  return { ms: performance.now() - started, readCount, changeCount };
}

/** The first diff of a new process. */
function coldDiff({ before, after, blocks }: Stored): number {
  const dir = mkdtempSync(join(tmpdir(), 'branchcast-diff-bench-'));
  try {
    let offset = 0;
    const index = [...blocks].map(([digest, bytes]) => [digest, (offset += bytes.length) - bytes.length, bytes.length]);
    writeFileSync(join(dir, 'nodes'), Buffer.concat([...blocks.values()]));
    writeFileSync(join(dir, 'index.json'), JSON.stringify({ before, after, index }));
    const child = spawnSync(process.execPath, [process.argv[1] ?? '', '--cold', dir], { encoding: 'utf8' });
    if (child.status !== 0) throw new Error(child.stderr);
    return Number(child.stdout);
  } finally {
    rmSync(dir, { recursive: true });
  }
}

async function runCold(dir: string): Promise<void> {
  const { before, after, index } = JSON.parse(readFileSync(join(dir, 'index.json'), 'utf8')) as { before: string; after: string; index: [Digest, number, number][] };
  const places = new Map(index.map(([digest, offset, length]) => [digest, { offset, length }]));
  const file = openSync(join(dir, 'nodes'), 'r');
  const read: ReadBlock = async (digest) => {
    const place = places.get(digest);
    if (place === undefined) return undefined;
    const bytes = Buffer.allocUnsafe(place.length);
    readSync(file, bytes, 0, place.length, place.offset);
    return bytes;
  };
  const { ms } = await timeDiff(parseDigest(before) as Digest, parseDigest(after) as Digest, read);
  process.stdout.write(String(ms));
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

async function timed(rounds: number, run: () => Promise<void> | void): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const started = performance.now();
    await run();
    times.push(performance.now() - started);
  }
  return median(times);
}

/** What one whole walk costs, and what our decoder is beside a general one. */
async function walkRows({ before, after, blocks }: Stored, entryCount: number): Promise<void> {
  const read: ReadBlock = async (digest) => blocks.get(digest);
  const nodes = [...blocks].slice(0, 2000);
  const rows: [string, number, string][] = [
    ['entries()', await timed(3, async () => { for await (const _ of new Manifest(before, read).entries()); }), `${entryCount} entries`],
    ['chunks()', await timed(3, async () => { for await (const _ of new Manifest(before, read).chunks()); }), 'all chunks, each once'],
    ['blocks()', await timed(3, async () => { for await (const _ of new Manifest(before, read).blocks()); }), 'all nodes, checked'],
    ['missingBlocks()', await timed(ROUNDS, async () => { for await (const _ of missingBlocks(new Manifest(after, read), [new Manifest(before, read)])); }), 'after, have before'],
    ['decode', await timed(ROUNDS, () => { for (const [digest, bytes] of nodes) decodeNode(bytes, digest); }), `${nodes.length} nodes, checked`],
    ['@ipld/dag-cbor', await timed(3, () => { for (const [, bytes] of nodes) decode(bytes); }), 'the same nodes, unchecked'],
  ];
  for (const [name, ms, what] of rows) console.log(`  ${name.padEnd(16)} ${ms.toFixed(1).padStart(8)} ms   ${what}`);
}

if (process.argv[2] === '--cold') {
  await runCold(process.argv[3] ?? '');
} else {
  const entryCount = Number(process.argv[2] ?? 1_000_000);
  const changeCount = Number(process.argv[3] ?? 100);
  const table: string[] = [];
  for (const share of [16, 4, 1]) {
    const size = Math.round(entryCount / share);
    const stored = await store(size, changeCount);
    const read: ReadBlock = async (digest) => stored.blocks.get(digest);
    const coldMs = coldDiff(stored);
    const runs = [];
    for (let round = 0; round < ROUNDS; round += 1) runs.push(await timeDiff(stored.before, stored.after, read));
    const { readCount, changeCount: found } = runs[0] ?? { readCount: 0, changeCount: 0 };
    if (found !== changeCount) throw new Error(`${found} changes found instead of ${changeCount}`);
    table.push([size, changeCount, stored.depth, readCount, 4 * stored.depth * changeCount, median(runs.map(({ ms }) => ms)).toFixed(1), coldMs.toFixed(1)].map((cell) => String(cell).padStart(10)).join(''));
    if (share === 1) await walkRows(stored, size);
  }
  console.log(['entries', 'changes', 'depth', 'nodes', 'goal', 'warm ms', 'cold ms'].map((cell) => cell.padStart(10)).join(''));
  console.log(table.join('\n'));
}
