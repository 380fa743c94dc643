/** Bytes of small files of a layer: runs of chunks that are fetched for it, verified. */
import type { Digest } from '../chunking/digest.ts';
import type { Piece } from '../manifest/entry.ts';
import { decodeFrame } from '../store/frame-decode.ts';

/** Frames that hold the chunks, as far as there are any: `CoreClient.fetchChunks`. */
export type FetchChunks = (digests: readonly Digest[]) => AsyncIterable<Uint8Array>;

/** Answers the bytes of any of these pieces; undefined if its chunk did not come. Holds their chunks: the caller bounds how many. */
export async function readPieces(pieces: readonly Piece[], fetchChunks: FetchChunks): Promise<(piece: Piece) => Buffer | undefined> {
  const wanted = new Set(pieces.map(({ digest }) => digest));
  const chunks = new Map<Digest, Uint8Array>();
  if (wanted.size > 0) {
    for await (const frame of fetchChunks([...wanted])) for (const { digest, bytes } of decodeFrame(frame, { only: wanted })) chunks.set(digest, bytes);
  }
  return ({ digest, offsetBytes, lengthBytes }) => {
    const chunk = chunks.get(digest);
    return chunk === undefined ? undefined : Buffer.from(chunk.buffer, chunk.byteOffset + offsetBytes, lengthBytes);
  };
}
