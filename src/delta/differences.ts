/** The payload of a delta frame of differences: four sections, each compressed on its own. docs/formats.md, "Differences". */
import { brotliCompressSync, constants } from 'node:zlib';
import { freeBytes } from '../base/free-bytes.ts';
import { DIFFERENCES_SPARE_BYTES } from '../base/limits/deltas.ts';
import { KiB } from '../base/units.ts';
import { decompressBrotliExactly } from '../store/decompress-exactly.ts';
import { asBuffer } from '../store/frame-header.ts';
import { align, type Differences } from './align-kernel.ts';
import { malformedDelta } from './delta-header.ts';
import { narrowBase } from './narrow-base.ts';
import { patch } from './patch.ts';
import { Scratch } from './scratch.ts';

const SECTIONS = ['control', 'gaps', 'changes', 'extra'] as const satisfies readonly (keyof Differences)[];
/** Raw and stored bytes of each, as u32. */
const LENGTHS_BYTES = SECTIONS.length * 8;
/**
 * Brotli and not zstd: what is left is little, and for code and tables brotli's context models are better. All sections of every eighth run of `app`: 4.05 MB in 0.33 s,
 * zstd at level 9 4.59 in 0.22, at level 12 4.57 in 0.43. Qualities above 5 gain half a percent, below it the models are gone.
 */
const QUALITY = 5;
/** Of `gaps`, two numbers for each change, quality 4 takes half as long and makes the deltas of `app` longer by 0.4 %; of `changes` and `extra` by 10 and 20 %. */
const QUALITY_OF_GAPS = 4;
const OUTPUT_PIECE_BYTES = 256 * KiB;
/** Of what is extra the first so many bytes of each so many are compressed to see what all of it would take. Larger pieces further apart tell less. */
const SAMPLE_BYTES = 8 * KiB;
const SAMPLED_BYTES = 64 * KiB;
/**
 * A sample compresses worse than the whole, by a fifth in the middle and at times by more: only what is to take so much more than it may is given up. Of `image` that spares four fifths of
 * Brotli's work on deltas that are not kept; of 900 that are kept none is lost. zstd at level 1 of all of it took other deltas for hopeless that Brotli makes half as long.
 */
const SAMPLE_MARGIN = 1.3;
const sampleScratch = new Scratch();

export interface EncodedDifferences {
  readonly payload: Buffer;
  /** Which chunks of the base they are to: the others are not part of it. */
  readonly isKept: readonly boolean[];
}

/** `raw` as differences to a base of chunks with these lengths; undefined if they are likely to take more than `bytesMax`, by far. */
export function encodeDifferences(raw: Uint8Array, base: Uint8Array, lengths: readonly number[], bytesMax: number): EncodedDifferences | undefined {
  const aligned = align(base, raw);
  if (isHopeless(aligned.extra, bytesMax * SAMPLE_MARGIN)) return undefined;
  const { isKept, control } = narrowBase(aligned.control, lengths);
  const differences = { ...aligned, control };
  const sectionLengths = Buffer.alloc(LENGTHS_BYTES);
  const stored = SECTIONS.map((name, index) => {
    const section = differences[name];
    const compressed = shorter(section, name === 'gaps' ? QUALITY_OF_GAPS : QUALITY);
    sectionLengths.writeUInt32LE(section.byteLength, index * 8);
    sectionLengths.writeUInt32LE(compressed.byteLength, index * 8 + 4);
    return compressed;
  });
  const payload = Buffer.concat([sectionLengths, ...stored]);
  for (const [index, name] of SECTIONS.entries()) giveBack(stored[index] as Uint8Array, differences[name]);
  return { payload, isKept };
}

/** Whether a sample says that it takes more than this when compressed. */
function isHopeless(section: Uint8Array, bytesMax: number): boolean {
  if (section.byteLength <= bytesMax) return false;
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < section.byteLength; at += SAMPLED_BYTES) pieces.push(section.subarray(at, at + SAMPLE_BYTES));
  const sample = sampleScratch.joined(pieces);
  const compressed = shorter(sample);
  const isTooMuch = compressed.byteLength / sample.byteLength > bytesMax / section.byteLength;
  giveBack(compressed, sample);
  return isTooMuch;
}

/** Compressed, or as it is if that is not longer: a reader tells by the length. */
function shorter(section: Uint8Array, quality = QUALITY): Uint8Array {
  const compressed = brotliCompressSync(section, { chunkSize: OUTPUT_PIECE_BYTES, params: { [constants.BROTLI_PARAM_QUALITY]: quality, [constants.BROTLI_PARAM_SIZE_HINT]: section.byteLength } });
  return compressed.byteLength < section.byteLength ? compressed : section;
}

/** Frees what `shorter` made of a section; the section itself is the kernel's memory, or scratch. */
function giveBack(compressed: Uint8Array, section: Uint8Array): void {
  if (compressed !== section) freeBytes(compressed);
}

/** The `rawBytes` bytes that the payload makes of `base`. Throws BC_FRAME_MALFORMED. */
export function decodeDifferences(payload: Uint8Array, base: Uint8Array, rawBytes: number): Uint8Array {
  if (payload.byteLength < LENGTHS_BYTES) throw malformedDelta('its differences have no lengths');
  const lengths = asBuffer(payload);
  let at = LENGTHS_BYTES;
  const [control, gaps, changes, extra] = SECTIONS.map((name, index) => {
    const sectionBytes = lengths.readUInt32LE(index * 8);
    const storedBytes = lengths.readUInt32LE(index * 8 + 4);
    const stored = payload.subarray(at, at + storedBytes);
    at += storedBytes;
    if (sectionBytes > rawBytes + DIFFERENCES_SPARE_BYTES || storedBytes > sectionBytes || stored.byteLength < storedBytes) throw malformedDelta(`${storedBytes} bytes of ${name} for ${sectionBytes}`);
    return storedBytes === sectionBytes ? stored : decompressBrotliExactly(stored, sectionBytes, malformedDelta);
  }) as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
  if (at !== payload.byteLength) throw malformedDelta(`${payload.byteLength - at} bytes after its differences`);
  return patch(base, { control, gaps, changes, extra }, rawBytes);
}
