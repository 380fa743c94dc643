/** A directory as the blocks of a layer: chunks of its files, nodes of its manifest. */
import { throwIfAborted } from '../base/errors.ts';
import { DEFAULT_CHUNKER_PARAMS, type ChunkerParams } from '../chunking/params.ts';
import type { CaptureCache } from './capture-cache.ts';
import type { Capture } from './capture-result.ts';
import type { CapturedBlock } from './captured-block.ts';
import { OrderedLooks } from './ordered-looks.ts';
import { Pace } from './pace.ts';
import { ReadAhead } from './read-ahead.ts';
import { TreeCapture, type CaptureMemory } from './tree-capture.ts';
import { treeRoot } from './walk.ts';

export type { Capture } from './capture-result.ts';

export interface CaptureProgress {
  readonly files: number;
  readonly logicalBytes: number;
}

export interface CaptureOptions {
  readonly params?: ChunkerParams;
  readonly memory?: CaptureMemory;
  /** Begun before, for this tree and the size of a small file in `params`; where `memory` knows the tree it is not used. */
  readonly ahead?: ReadAhead | undefined;
  readonly signal?: AbortSignal;
  /** What has been done so far, some times a second. */
  readonly onProgress?: (progress: CaptureProgress) => void;
}

/**
 * Yields every block of the tree at `dir` and returns what they add up to. A chunk is yielded once however often the tree
 * holds it; a node may come twice. Work goes on when the next block is asked for, and at no other time. The same tree cut with the same
 * parameters gives the same root, also where `memory` spared some reading: chunks of files that were not read are not yielded. Symlinks in the tree are recorded, not followed; `dir` itself may be one.
 *
 * Throws BC_TREE_CHANGED and BC_TREE_UNREADABLE, which name the path; BC_CONFIG_INVALID for parameters out of bounds.
 */
export async function* captureTree(dir: string, options: CaptureOptions = {}): AsyncGenerator<CapturedBlock, Capture, void> {
  const { params = DEFAULT_CHUNKER_PARAMS, memory, signal, onProgress } = options;
  throwIfAborted(signal);
  const capture = new TreeCapture(params, memory);
  const progress = (): void => onProgress?.({ files: capture.fileCount, logicalBytes: capture.logicalBytes });
  const pace = new Pace(signal);
  // Of a tree that is known there is little to read.
  const ahead = memory?.known === undefined ? (options.ahead ?? new ReadAhead(treeRoot(dir), params)) : new ReadAhead(treeRoot(dir), { smallFileBytesMax: 0 });
  for await (const entries of ahead.entries()) {
    for (const block of capture.take(entries)) {
      if (block !== undefined) yield block;
      throwIfAborted(signal);
      if (!pace.due) continue;
      progress();
      await pace.turn();
    }
  }
  for (const block of capture.finish()) yield block;
  progress();
  return capture.result;
}

/**
 * What the capture of which `cache` is found, if the tree at `dir` is still the same; undefined at the first entry that is not. Nothing is read but the
 * inodes of what was there then, and no directory is listed: to make, remove or rename a name changes the times of the directory that it is in (POSIX.1-2024, open(),
 * unlink(), rename()).
 */
export async function captureUnchanged(dir: string, cache: CaptureCache, signal?: AbortSignal): Promise<Capture | undefined> {
  const looks = new OrderedLooks(treeRoot(dir));
  try {
    const pace = new Pace(signal);
    const reader = cache.reader(() => true);
    for (const key of reader.keys()) {
      const stamp = looks.at(key);
      if (stamp === undefined || !reader.isAsItWas(stamp)) return undefined;
      if (pace.due) await pace.turn();
    }
    return cache.capture;
  } finally {
    looks.close();
  }
}
