/**
 * Which chunks a stage holds, so that a process that was killed can go on: `BCSTAGE1`, the root's 32 bytes, the boot's id as 36
 * ASCII characters, then 32 bytes for each chunk, written after the chunk's own bytes, unless a file of the old tree holds some of them. Within one boot that is proof enough: what one process
 * wrote, the page cache shows the next. After another boot the staged bytes are verified.
 */
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { DIGEST_BYTES, digestFromBytes, digestToBytes, type Digest } from '../chunking/digest.ts';
import { readIfThere } from './state-file.ts';

const MAGIC = Buffer.from('BCSTAGE1');
const BOOT_ID_BYTES = 36;
const HEADER_BYTES = MAGIC.byteLength + DIGEST_BYTES + BOOT_ID_BYTES;

export interface LoggedProgress {
  readonly root: Digest;
  /** Written since this machine started. */
  readonly sameBoot: boolean;
  readonly digests: readonly Digest[];
}

export class ProgressLog {
  #fd: number | undefined;
  #bytes: number;

  /** Begins the log anew, with what the stage already holds. */
  constructor(path: string, root: Digest, digests: Iterable<Digest>) {
    const parts = [MAGIC, digestToBytes(root), Buffer.from(bootId().padEnd(BOOT_ID_BYTES).slice(0, BOOT_ID_BYTES), 'latin1')];
    for (const digest of digests) parts.push(digestToBytes(digest));
    const content = Buffer.concat(parts);
    this.#fd = openSync(path, 'w', 0o600);
    this.#bytes = 0;
    // After a power cut a log that is cut off, or gone, says less than the stage holds.
    while (this.#bytes < content.byteLength) this.#bytes += writeSync(this.#fd, content, this.#bytes);
  }

  append(digests: readonly Digest[]): void {
    if (this.#fd === undefined || digests.length === 0) return;
    const records = Buffer.concat(digests.map((digest) => digestToBytes(digest)));
    // A record that a full disk cut off is overwritten by the next one.
    const written = writeSync(this.#fd, records, 0, records.byteLength, this.#bytes);
    this.#bytes += written - (written % DIGEST_BYTES);
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }
}

/** undefined if there is no log, or none that can be read. A record that was cut off in the middle does not count. */
export function readProgress(path: string): LoggedProgress | undefined {
  const bytes = readIfThere(path);
  if (bytes === undefined || bytes.byteLength < HEADER_BYTES || !bytes.subarray(0, MAGIC.byteLength).equals(MAGIC)) return undefined;
  const boot = bytes.toString('latin1', HEADER_BYTES - BOOT_ID_BYTES, HEADER_BYTES).trim();
  const digests: Digest[] = [];
  for (let at = HEADER_BYTES; at + DIGEST_BYTES <= bytes.byteLength; at += DIGEST_BYTES) digests.push(digestFromBytes(bytes, at));
  return { root: digestFromBytes(bytes, MAGIC.byteLength), sameBoot: boot !== '' && boot === bootId(), digests };
}

/** proc(5), /proc/sys/kernel/random/boot_id; empty where there is none, which never counts as the same. */
function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
  } catch {
    return '';
  }
}
