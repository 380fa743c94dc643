import { freeBytes } from '../base/free-bytes.ts';
import type { Digest } from '../chunking/digest.ts';

export interface CapturedBlock {
  readonly digest: Digest;
  /** The receiver may keep them. */
  readonly bytes: Uint8Array;
  readonly kind: 'chunk' | 'node';
  /** For a receiver that has no more use for them: gives their memory back at once. */
  readonly release?: () => void;
}

/** A chunk with bytes of its own, copied from where others will follow. */
export function capturedChunk(digest: Digest, view: Uint8Array): CapturedBlock {
  const bytes = Buffer.allocUnsafeSlow(view.byteLength);
  bytes.set(view);
  return { digest, bytes, kind: 'chunk', release: () => freeBytes(bytes) };
}
