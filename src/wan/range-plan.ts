/**
 * How to fetch frames from packs: neighbours together in one range, up to RANGE_BYTES_TARGET, over a gap only where its
 * bytes cost less than a request. A frame of which less than half is wanted is not fetched whole: its chunks travel alone.
 */
import { RANGE_BYTES_TARGET, RANGE_GAP_BYTES_MAX } from '../base/limits/wan.ts';
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

/** Whether the wanted chunks of a frame are enough of it to fetch it as it is. */
export function isWorthWhole({ wantedRawBytes, rawBytes }: WantedFrame): boolean {
  return wantedRawBytes * 2 >= rawBytes;
}

/** `frames` as a frame list has them: sorted by pack and offset. */
export function planRanges(frames: readonly WantedFrame[], worthWhole: (frame: WantedFrame) => boolean = isWorthWhole): RangePlan {
  return { ranges: coalesce(frames.filter((frame) => worthWhole(frame))), alone: frames.filter((frame) => !worthWhole(frame)) };
}

/** Ranges that hold all of these frames, which are sorted by pack and offset. */
export function coalesce(frames: readonly WantedFrame[]): PackRange[] {
  const runs: WantedFrame[][] = [];
  for (const frame of frames) {
    const run = runs.at(-1);
    if (run !== undefined && mayExtend(run, frame)) run.push(frame);
    else runs.push([frame]);
  }
  return runs.map(rangeOf);
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
  if (first === undefined || last === undefined) return false;
  const gapBytes = frame.offsetBytes - (last.offsetBytes + last.storedBytes);
  const rangeBytes = frame.offsetBytes + frame.storedBytes - first.offsetBytes;
  return frame.packId === last.packId && gapBytes >= 0 && gapBytes <= RANGE_GAP_BYTES_MAX && rangeBytes <= RANGE_BYTES_TARGET;
}
