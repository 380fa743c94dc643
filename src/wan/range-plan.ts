/**
 * How to fetch frames from packs: neighbours together in one range, up to RANGE_BYTES_TARGET, over a gap only where its
 * bytes cost less than a request. A frame of which less than half is wanted is not fetched whole: its chunks travel alone.
 */
import { RANGE_BYTES_TARGET, RANGE_GAP_BYTES_MAX } from '../base/limits.ts';
import type { Digest } from '../chunking/digest.ts';
import type { WantedFrame } from './frame-list.ts';

/** Bytes [startBytes, endBytes) of a pack, which hold these frames, in order. */
export interface PackRange {
  readonly packId: string;
  readonly startBytes: number;
  readonly endBytes: number;
  readonly frames: readonly WantedFrame[];
}

export interface RangePlan {
  readonly ranges: readonly PackRange[];
  /** Frames whose wanted chunks are to be asked for by themselves. */
  readonly alone: readonly WantedFrame[];
}

/** `frames` as a frame list has them: sorted by pack and offset. */
export function planRanges(frames: readonly WantedFrame[]): RangePlan {
  const ranges: PackRange[] = [];
  const alone: WantedFrame[] = [];
  let run: WantedFrame[] = [];
  const endRun = (): void => {
    if (run.length > 0) ranges.push(rangeOf(run));
    run = [];
  };
  for (const frame of frames) {
    if (frame.wantedRawBytes * 2 < frame.rawBytes) {
      alone.push(frame);
      continue;
    }
    if (!mayExtend(run, frame)) endRun();
    run.push(frame);
  }
  endRun();
  return { ranges, alone };
}

/** The range that holds exactly these frames of one pack, which are in order and at least one. */
export function rangeOf(frames: readonly WantedFrame[]): PackRange {
  const first = frames[0] as WantedFrame;
  const last = frames.at(-1) as WantedFrame;
  return { packId: first.packId, startBytes: first.offsetBytes, endBytes: last.offsetBytes + last.storedBytes, frames };
}

/** The wanted chunks of a frame; `digests` is what was asked about. */
export function digestsOf(frame: WantedFrame, digests: readonly Digest[]): Digest[] {
  return frame.wanted.map((index) => digests[index] as Digest);
}

function mayExtend(run: readonly WantedFrame[], frame: WantedFrame): boolean {
  const first = run[0];
  const last = run.at(-1);
  if (first === undefined || last === undefined) return true;
  const gapBytes = frame.offsetBytes - (last.offsetBytes + last.storedBytes);
  const rangeBytes = frame.offsetBytes + frame.storedBytes - first.offsetBytes;
  return frame.packId === last.packId && gapBytes >= 0 && gapBytes <= RANGE_GAP_BYTES_MAX && rangeBytes <= RANGE_BYTES_TARGET;
}
