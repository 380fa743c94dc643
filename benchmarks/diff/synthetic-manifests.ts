/** Two manifests of any size that differ in some files, made without a tree on a disk. */
import type { Digest } from '../../src/chunking/digest.ts';
import { hash } from '../../src/chunking/hash.ts';
import { buildManifest } from '../../src/manifest/build.ts';
import type { Entry, Piece } from '../../src/manifest/entry.ts';
import { keyFromPath } from '../../src/manifest/key.ts';
import { decodeNode } from '../../src/manifest/node.ts';
import { seededNumbers } from '../../test/doubles/seeded-tree.ts';

export interface ManifestPair {
  readonly before: Digest;
  readonly after: Digest;
  readonly blocks: ReadonlyMap<Digest, Uint8Array>;
  /** Nodes from the root to a leaf. */
  readonly depth: number;
}

const FILES_PER_DIRECTORY = 64;
const COMMON = { mode: 0o644, uid: 0, gid: 0, mtimeSeconds: 1_700_000_000, mtimeNanos: 123_456_789 };

export function manifestPair(entryCount: number, changeCount: number): ManifestPair {
  const blocks = new Map<Digest, Uint8Array>();
  const entries = [...tree(entryCount)];
  const before = buildManifest(entries, ({ digest, bytes }) => blocks.set(digest, bytes));
  const after = buildManifest(edited(entries, changeCount), ({ digest, bytes }) => blocks.set(digest, bytes));
  const root = decodeNode(blocks.get(before.root) ?? Buffer.alloc(0), before.root);
  return { before: before.root, after: after.root, blocks, depth: root.level + 1 };
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
