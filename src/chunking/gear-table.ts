/** The gear table of docs/formats.md, "Chunking: gear64-1": 256 unsigned 64-bit numbers, little-endian. */
import { gearTableBytes } from './gear-table.gen.ts';

/** Not to be written to. */
export const gearTable: Uint8Array = Uint8Array.from(Buffer.from(gearTableBytes, 'base64'));
