import type { Digest } from '../chunking/digest.ts';

export interface CapturedBlock {
  readonly digest: Digest;
  /** The receiver may keep them. */
  readonly bytes: Uint8Array;
  readonly kind: 'chunk' | 'node';
}
