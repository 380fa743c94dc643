/** The differences of two layers as `layer diff` reports them, and their sums by directory. */
import type { Digest } from '../chunking/digest.ts';
import type { Entry, Piece } from '../manifest/entry.ts';
import { displayPath, parentKey, ROOT_KEY } from '../manifest/key.ts';
import { metadataDiffers, type TreeChange } from '../manifest/renames.ts';

export const DIFFERENCE_KINDS = ['added', 'removed', 'changed', 'renamed', 'metadata'] as const;
/** `metadata`: changed, but not in its content. */
export type DifferenceKind = (typeof DIFFERENCE_KINDS)[number];

export type DifferenceCounts = Readonly<Record<DifferenceKind, number>>;

export interface Difference {
  readonly change: 'added' | 'removed' | 'changed' | 'renamed';
  readonly path: string;
  /** Of what was renamed: its path in the first layer. */
  readonly from?: string;
  readonly type: Entry['type'];
  /** Of a file: its size in the layer that has it, the second one first. */
  readonly sizeBytes?: number;
  /** Of what changed: false if only metadata differs. */
  readonly contentChanged?: boolean;
  /** Of what was renamed: whether its metadata differs as well. */
  readonly metadataChanged?: boolean;
}

export interface DirectorySum {
  /** `.` for what stands no deeper than the root. */
  readonly path: string;
  readonly counts: DifferenceCounts;
  /** Chunks of the second layer that the first has nowhere, before compression; each at the first file that needs it. */
  readonly newChunkBytes: number;
}

export interface DiffReport {
  readonly counts: DifferenceCounts;
  readonly newChunkCount: number;
  readonly newChunkBytes: number;
  /** An estimate of what these chunks weigh as the core stores them. */
  readonly newStoredBytes: number;
  /** In the order of paths. */
  readonly directories: readonly DirectorySum[];
  readonly differences: readonly Difference[];
}

export function differenceOf(change: TreeChange): Difference {
  const { kind, before, after } = change;
  const entry = (after ?? before) as Entry;
  return {
    change: kind,
    path: displayPath(entry.key),
    ...(change.kind === 'renamed' ? { from: displayPath(change.before.key) } : {}),
    type: entry.type,
    ...(entry.type === 'file' ? { sizeBytes: entry.sizeBytes } : {}),
    ...(kind === 'changed' ? { contentChanged: change.contentChanged } : {}),
    ...(change.kind === 'renamed' ? { metadataChanged: metadataDiffers(change) } : {}),
  };
}

/** Which counter a difference belongs to. */
export function kindOf({ kind, contentChanged }: Pick<TreeChange, 'kind' | 'contentChanged'>): DifferenceKind {
  return kind === 'changed' && !contentChanged ? 'metadata' : kind;
}

export class DiffSums {
  /** Chunks of new and changed files; the caller takes out those that are held. */
  readonly wanted = new Map<Digest, { readonly bytes: number; readonly directory: string }>();
  readonly #depth: number;
  readonly #counts = new Map<string, Record<DifferenceKind, number>>();

  /** Sums directories `depth` parts deep. */
  constructor(depth: number) {
    this.#depth = depth;
  }

  add(change: TreeChange): void {
    const directory = this.#directoryOf((change.after ?? change.before) as Entry);
    const counts = this.#counts.get(directory) ?? noCounts();
    counts[kindOf(change)] += 1;
    this.#counts.set(directory, counts);
  }

  /** `entry` needs the chunk. */
  want({ digest, chunkBytes }: Piece, entry: Entry): void {
    if (!this.wanted.has(digest)) this.wanted.set(digest, { bytes: chunkBytes, directory: this.#directoryOf(entry) });
  }

  result(): Pick<DiffReport, 'counts' | 'newChunkCount' | 'newChunkBytes' | 'directories'> {
    const bytes = new Map<string, number>();
    for (const wanted of this.wanted.values()) bytes.set(wanted.directory, (bytes.get(wanted.directory) ?? 0) + wanted.bytes);
    const paths = [...new Set([...this.#counts.keys(), ...bytes.keys()])].sort();
    const directories = paths.map((path) => ({ path, counts: this.#counts.get(path) ?? noCounts(), newChunkBytes: bytes.get(path) ?? 0 }));
    const counts = noCounts();
    for (const directory of directories) for (const kind of DIFFERENCE_KINDS) counts[kind] += directory.counts[kind];
    return { counts, newChunkCount: this.wanted.size, newChunkBytes: directories.reduce((sum, { newChunkBytes }) => sum + newChunkBytes, 0), directories };
  }

  #directoryOf({ type, key }: Entry): string {
    const path = displayPath(type === 'directory' ? key : (parentKey(key) ?? ROOT_KEY));
    return path.split('/', this.#depth).join('/');
  }
}

function noCounts(): Record<DifferenceKind, number> {
  return { added: 0, removed: 0, changed: 0, renamed: 0, metadata: 0 };
}
