/** The frames of a pack, found in the file itself: for recovery, for rebuilding the index, for eviction and scrub. */
import type { FileHandle } from 'node:fs/promises';
import { MiB } from '../base/units.ts';
import { decodeFrame } from './frame-decode.ts';
import { FRAME_MAGIC, frameNeeds, parseFrameHeader, type FrameHeader } from './frame-header.ts';
import { FOOTER_TAIL_BYTES, footerLength, PACK_HEADER, parseFooter, type FrameSpan } from './pack-format.ts';
import { readAt } from './pack-handles.ts';
import { isRot } from './store-errors.ts';

export interface ScannedFrame extends FrameSpan {
  /** undefined: rotten. */
  readonly header: FrameHeader | undefined;
}

export interface ScanOptions {
  /** Start of a frame, for packs without a footer. */
  readonly fromBytes?: number;
  /** Read the payloads too, and verify every chunk in them. */
  readonly payloads?: boolean;
}

/** Holds the header of a frame with 100 chunks. */
const HEADER_READ_BYTES = 4096;
const SEARCH_BYTES = 1 * MiB;

/**
 * Frames in the order of the file: those that the footer names, or, in a pack without a (sound) footer, one after the other. Where a header
 * makes no sense there the next one that does is searched for: what rots in the middle does not take the rest with it.
 */
export async function* scanPack(handle: FileHandle, sizeBytes: number, options: ScanOptions = {}): AsyncGenerator<ScannedFrame, void, undefined> {
  const spans = await readFooter(handle, sizeBytes);
  if (spans !== undefined) {
    for (const span of spans) yield { ...span, header: await headerAt(handle, span.offsetBytes, sizeBytes, options).then((found) => (found?.storedBytes === span.storedBytes ? found.header : undefined)) };
    return;
  }
  let offsetBytes = options.fromBytes ?? PACK_HEADER.byteLength;
  while (offsetBytes < sizeBytes) {
    const found = await headerAt(handle, offsetBytes, sizeBytes, options);
    if (found !== undefined) yield { offsetBytes, ...found };
    offsetBytes = found === undefined ? await nextMagic(handle, offsetBytes + 1, sizeBytes) : offsetBytes + found.storedBytes;
  }
}

/** The frames that a sealed pack's footer names; undefined if there is no sound footer. */
export async function readFooter(handle: FileHandle, sizeBytes: number): Promise<FrameSpan[] | undefined> {
  const tail = await readAt(handle, Math.max(0, sizeBytes - FOOTER_TAIL_BYTES), FOOTER_TAIL_BYTES);
  const length = footerLength(tail);
  if (length === undefined || length > sizeBytes - PACK_HEADER.byteLength) return undefined;
  return parseFooter(await readAt(handle, sizeBytes - length, length));
}

/** undefined: no whole frame starts here. No header in it: one does, but its payload is rotten. */
async function headerAt(handle: FileHandle, offset: number, sizeBytes: number, options: ScanOptions): Promise<{ storedBytes: number; header: FrameHeader | undefined } | undefined> {
  if (offset >= sizeBytes) return undefined;
  let header: FrameHeader | undefined;
  try {
    let bytes = await readAt(handle, offset, Math.min(HEADER_READ_BYTES, sizeBytes - offset));
    const { headerBytes } = frameNeeds(bytes);
    if (headerBytes > bytes.byteLength) bytes = await readAt(handle, offset, Math.min(headerBytes, sizeBytes - offset));
    header = parseFrameHeader(bytes);
  } catch (error) {
    if (!isRot(error)) throw error;
  }
  if (header === undefined || offset + header.storedBytes > sizeBytes) return undefined;
  const { storedBytes } = header;
  if (options.payloads !== true) return { storedBytes, header };
  try {
    decodeFrame(await readAt(handle, offset, storedBytes));
    return { storedBytes, header };
  } catch (error) {
    if (!isRot(error)) throw error;
    return { storedBytes, header: undefined };
  }
}

/** Where the next frame may start; the end of the file if none does. */
async function nextMagic(handle: FileHandle, from: number, sizeBytes: number): Promise<number> {
  for (let offset = from; offset < sizeBytes; offset += SEARCH_BYTES) {
    // Windows overlap by a magic less one byte, so that none is missed at their edges.
    const at = (await readAt(handle, offset, SEARCH_BYTES + FRAME_MAGIC.byteLength - 1)).indexOf(FRAME_MAGIC);
    if (at >= 0) return offset + at;
  }
  return sizeBytes;
}
