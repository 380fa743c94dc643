/** Everything that is wanted, from whoever has it, each chunk verified before it is handed on. */
import type { Digest } from '../chunking/digest.ts';
import { asBranchcastError, BranchcastError } from '../base/errors.ts';
import { freeBytes } from '../base/free-bytes.ts';
import { decodeFrame } from '../store/frame-decode.ts';
import type { DeltaUse, OldContent, SourceKind } from './chunk-source.ts';
import { OwnFailure, type Sources } from './ask-sources.ts';

export interface ReceivedChunk {
  readonly digest: Digest;
  /** Verified. Valid until the handler returns. */
  readonly bytes: Uint8Array;
}

export interface FetchHandlers {
  /** Wanted chunks that came together; each once, and the next when the handler has returned. Those of one frame follow one another in memory as they do in the layer. */
  onChunks(chunks: readonly ReceivedChunk[], kind: SourceKind): void | Promise<void>;
  /** Bytes of frames or deltas as they came, wanted or not: what the network carried. */
  onBytes?(frameBytes: number, kind: SourceKind): void;
}

/** Resolves when every wanted chunk was handed on. With `old`, a source may send deltas against it. Throws BC_NO_SOURCE, or what `onChunks` threw. */
export async function fetchChunks(wanted: readonly Digest[], sources: Sources, handlers: FetchHandlers, signal: AbortSignal, old?: OldContent): Promise<void> {
  const left = new Set(wanted);
  if (left.size === 0) return;
  await sources.ask('chunks', signal, async (source, helped) => {
    const before = left.size;
    let madeBytes = 0;
    const onDelta = ({ deltaBytes, frameBytes }: DeltaUse): void => {
      handlers.onBytes?.(deltaBytes, source.kind);
      madeBytes = frameBytes;
    };
    // One frame is handed on while the next one is decompressed and verified.
    let handing: Promise<void> = Promise.resolve();
    const handOn = async (chunks: readonly ReceivedChunk[], isFrames: boolean): Promise<void> => {
      await own(() => handlers.onChunks(chunks, source.kind));
      helped();
      if (chunks[0] !== undefined && !isFrames) freeBytes(chunks[0].bytes);
    };
    try {
      for await (const frame of source.fetchFrames([...left], { signal, old, onDelta })) {
        // No network carried a frame that was made here.
        if (madeBytes === 0) handlers.onBytes?.(frame.byteLength, source.kind);
        madeBytes = 0;
        const chunks = verifiedChunks(frame, left, source.name);
        for (const { digest } of chunks) left.delete(digest);
        await handing;
        if (chunks.length === 0) continue;
        // All of them are views of what the frame decompressed to, or of the frame itself, which is its source's.
        const isFrames = chunks[0]?.bytes.buffer === frame.buffer;
        handing = handOn(chunks, isFrames);
        // Awaited with the next frame, or at the end.
        handing.catch(() => undefined);
        if (isFrames) await handing;
        if (left.size === 0) break;
      }
    } finally {
      await handing;
    }
    if (left.size === 0) return 'done';
    return left.size < before ? 'progress' : 'lacking';
  });
}

/** The wanted chunks of a frame. A wrong byte is reported with the name of who sent it. */
export function verifiedChunks(frame: Uint8Array, wanted: ReadonlySet<Digest>, sourceName: string): ReceivedChunk[] {
  try {
    return decodeFrame(frame, { only: wanted });
  } catch (thrown) {
    const error = asBranchcastError(thrown, 'BC_FRAME_MALFORMED');
    throw new BranchcastError(error.code, `${sourceName} sent wrong bytes: ${error.message}`, { details: { ...error.details, source: sourceName }, cause: error });
  }
}

async function own(handler: () => void | Promise<void>): Promise<void> {
  try {
    await handler();
  } catch (thrown) {
    throw new OwnFailure(thrown);
  }
}
