/** The fixed parts of a pack file: its header and the footer of a sealed one. docs/formats.md, "Pack". Also how packs are named. */
import { randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { BranchcastError } from '../base/errors.ts';

/** Where a frame stands in its pack. */
export interface FrameSpan {
  readonly offsetBytes: number;
  readonly storedBytes: number;
}

const VERSION = 1;
const MAGIC = Buffer.from('BCPACK\0', 'latin1');
export const PACK_HEADER = Buffer.concat([MAGIC, Buffer.from([VERSION]), Buffer.alloc(8)]);

const FOOTER_START = Buffer.from('BCPF', 'latin1');
const FOOTER_END = Buffer.from('BCPE', 'latin1');
const SPAN_BYTES = 12;
/** Start magic, frame count, crc, length, end magic. */
const FOOTER_FIXED_BYTES = 20;
/** The last bytes of a footer: its length and the end magic. */
export const FOOTER_TAIL_BYTES = 8;

export function footerBytes(frameCount: number): number {
  return FOOTER_FIXED_BYTES + SPAN_BYTES * frameCount;
}

/** Throws BC_FORMAT_VERSION for a pack that a newer version wrote. A header that is cut off or rotten says nothing: frames speak for themselves. */
export function checkPackHeader(packId: string, header: Uint8Array): void {
  const version = header[MAGIC.byteLength];
  if (version !== undefined && version > VERSION && MAGIC.equals(header.subarray(0, MAGIC.byteLength))) {
    throw new BranchcastError('BC_FORMAT_VERSION', `pack ${packId} has format version ${version}; this version reads ${VERSION}`, { details: { packId, version } });
  }
}

export function encodeFooter(frames: readonly FrameSpan[]): Buffer {
  const footer = Buffer.alloc(footerBytes(frames.length));
  FOOTER_START.copy(footer, 0);
  footer.writeUInt32LE(frames.length, 4);
  let offset = 8;
  for (const frame of frames) {
    footer.writeBigUInt64LE(BigInt(frame.offsetBytes), offset);
    footer.writeUInt32LE(frame.storedBytes, offset + 8);
    offset += SPAN_BYTES;
  }
  footer.writeUInt32LE(crc32(footer.subarray(0, offset)), offset);
  footer.writeUInt32LE(footer.byteLength, offset + 4);
  FOOTER_END.copy(footer, offset + 8);
  return footer;
}

/** Length of the footer that ends with these bytes (the last FOOTER_TAIL_BYTES of a pack), if they end one. */
export function footerLength(tail: Buffer): number | undefined {
  if (tail.byteLength < FOOTER_TAIL_BYTES || !tail.subarray(-4).equals(FOOTER_END)) return undefined;
  const length = tail.readUInt32LE(tail.byteLength - FOOTER_TAIL_BYTES);
  return length >= FOOTER_FIXED_BYTES && (length - FOOTER_FIXED_BYTES) % SPAN_BYTES === 0 ? length : undefined;
}

/** The frames that a footer names; undefined if it is rotten. */
export function parseFooter(footer: Buffer): FrameSpan[] | undefined {
  if (footerLength(footer) !== footer.byteLength || !footer.subarray(0, 4).equals(FOOTER_START)) return undefined;
  const frameCount = footer.readUInt32LE(4);
  const crcOffset = footer.byteLength - FOOTER_TAIL_BYTES - 4;
  if (footerBytes(frameCount) !== footer.byteLength || crc32(footer.subarray(0, crcOffset)) !== footer.readUInt32LE(crcOffset)) return undefined;
  return Array.from({ length: frameCount }, (_, i) => {
    const offset = 8 + i * SPAN_BYTES;
    return { offsetBytes: Number(footer.readBigUInt64LE(offset)), storedBytes: footer.readUInt32LE(offset + 8) };
  });
}

export const PACK_ID_BYTES = 8;

/**
 * A name that no pack ever had: 48 bits of milliseconds and 16 random ones, in hexadecimal, and after every name before it. So names
 * sort by age, and stay different although packs come and go and clocks are set back.
 */
export function newPackId(nowMs: number, newestId: string | undefined): string {
  const id = Buffer.alloc(PACK_ID_BYTES);
  id.writeUIntBE(nowMs, 0, 6);
  randomBytes(2).copy(id, 6);
  const fresh = id.toString('hex');
  if (newestId === undefined || fresh > newestId) return fresh;
  id.writeBigUInt64BE(BigInt(`0x${newestId}`) + 1n);
  return id.toString('hex');
}

export function isPackId(text: string): boolean {
  return /^[0-9a-f]{16}$/.test(text);
}
