/** Everything that is wanted, from whoever has it, each chunk verified before it is handed on. */
import type { Digest } from '../chunking/digest.ts';
import { asBranchcastError, BranchcastError } from '../base/errors.ts';
import { decodeFrame } from '../store/frame-decode.ts';
import type { SourceKind } from './chunk-source.ts';
import { OwnFailure, type Sources } from './ask-sources.ts';

export interface ReceivedChunk {
  readonly digest: Digest;
  /** Verified. Valid until the handler returns. */
  readonly bytes: Uint8Array;
}

export interface FetchHandlers {
  /** Each wanted chunk, once. */
  onChunk(chunk: ReceivedChunk, kind: SourceKind): void | Promise<void>;
  /** Bytes of frames as they came, wanted or not: what the network carried. */
  onBytes?(frameBytes: number, kind: SourceKind): void;
}

/** Resolves when every wanted chunk was handed on. Throws BC_NO_SOURCE, or what `onChunk` threw. */
export async function fetchChunks(wanted: readonly Digest[], sources: Sources, handlers: FetchHandlers, signal: AbortSignal): Promise<void> {
  const left = new Set(wanted);
  if (left.size === 0) return;
  await sources.ask('chunks', signal, async (source, helped) => {
    const before = left.size;
    for await (const frame of source.fetchFrames([...left], { signal })) {
      handlers.onBytes?.(frame.byteLength, source.kind);
      for (const chunk of verifiedChunks(frame, left, source.name)) {
        left.delete(chunk.digest);
        await own(() => handlers.onChunk(chunk, source.kind));
        helped();
      }
      if (left.size === 0) break;
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
