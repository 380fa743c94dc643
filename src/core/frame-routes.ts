/** Frames in, packs out. */
import type { IncomingMessage } from 'node:http';
import { Type } from 'typebox';
import { asBranchcastError, BranchcastError, hasCode } from '../base/errors.ts';
import { UPLOAD_BYTES_TARGET } from '../base/limits/publishing.ts';
import { UPLOAD_BYTES_MAX, UPLOADS_MAX, UPLOADS_WAITING_MAX } from '../base/limits/wan.ts';
import type { ChunkStore, PutResult } from '../store/chunk-store.ts';
import { splitFrames } from '../store/frame-stream.ts';
import { UploadJson } from '../wan/api-messages.ts';
import { parseByteRange } from './byte-range.ts';
import { BytesAnswer, ERRORS, OCTETS, type CoreApp, type CoreParts } from './core-app.ts';
import { Gate } from './gate.ts';
import { begun, callerGone, streamOf } from './stream-answer.ts';

export function frameRoutes(app: CoreApp, { store }: CoreParts): void {
  const uploads = new Gate('uploads', UPLOADS_MAX, UPLOADS_WAITING_MAX);
  // The body stays in the socket until its turn has come, and is taken in frame by frame.
  app.addContentTypeParser(OCTETS, (_request, payload, done) => done(null, payload));

  app.post('/v1/frames', {
    schema: {
      summary: 'Store frames; each chunk is verified, and durable when this answers', consumes: [OCTETS], tags: ['frames'],
      body: Type.Unsafe<IncomingMessage>({ description: 'Frames, one after the other' }), response: { 200: UploadJson, ...ERRORS },
    },
  }, async ({ body, raw }, reply) => {
    const gone = callerGone(reply);
    try {
      return await uploads.run(() => storeFrames(store, body), gone);
    } catch (thrown) {
      // What is left of the body must not block the connection.
      raw.resume();
      throw asUploadError(thrown);
    }
  });

  app.get('/v1/packs/:packId', {
    config: { traffic: 'chunks' },
    schema: {
      summary: 'Bytes of a pack; `Range` with one range is honoured', tags: ['frames'],
      params: Type.Object({ packId: Type.String({ pattern: '^[a-z0-9]{1,32}$' }) }),
      response: { 200: BytesAnswer('The whole pack'), 206: BytesAnswer('The range'), 416: ERRORS['4xx'], ...ERRORS },
    },
  }, async ({ params: { packId }, headers }, reply) => {
    const totalBytes = store.packBytes(packId);
    if (totalBytes === undefined) throw new BranchcastError('BC_PACK_NOT_FOUND', `the core has no pack ${packId}`, { details: { packId } });
    void reply.type(OCTETS).header('accept-ranges', 'bytes');
    const range = parseByteRange(headers.range, totalBytes);
    if (range.kind === 'unsatisfiable') {
      void reply.header('content-range', `bytes */${totalBytes}`);
      throw new BranchcastError('BC_RANGE_UNSATISFIABLE', `pack ${packId} has ${totalBytes} bytes; "${String(headers.range).slice(0, 100)}" is no range of them`, { details: { packId, totalBytes } });
    }
    const [startBytes, endBytes] = range.kind === 'whole' ? [0, totalBytes] : [range.startBytes, range.endBytes];
    if (range.kind === 'part') void reply.status(206).header('content-range', `bytes ${startBytes}-${endBytes - 1}/${totalBytes}`);
    const pieces = store.readPack(packId, startBytes, endBytes, callerGone(reply))[Symbol.asyncIterator]();
    return reply.header('content-length', endBytes - startBytes).send(streamOf(await begun(pieces)));
  });
}

/** Puts some MiB at a time: memory is bounded whatever is sent. What was put before an error stays, and costs the next try nothing. */
async function storeFrames(store: ChunkStore, body: IncomingMessage | null): Promise<PutResult> {
  const sum = { newChunkCount: 0, newRawBytes: 0, newStoredBytes: 0 };
  let group: Uint8Array[] = [];
  let groupBytes = 0;
  const put = async (): Promise<void> => {
    const result = await store.put(group);
    sum.newChunkCount += result.newChunkCount;
    sum.newRawBytes += result.newRawBytes;
    sum.newStoredBytes += result.newStoredBytes;
    group = [];
    groupBytes = 0;
  };
  for await (const frame of splitFrames(bodyWithin(body, UPLOAD_BYTES_MAX))) {
    group.push(frame);
    groupBytes += frame.byteLength;
    if (groupBytes >= UPLOAD_BYTES_TARGET) await put();
  }
  if (group.length > 0) await put();
  return sum;
}

async function* bodyWithin(body: IncomingMessage | null, bytesMax: number): AsyncGenerator<Uint8Array, void, undefined> {
  if (body === null) return;
  let bytes = 0;
  // An early end must leave the socket open, for the answer that says why.
  for await (const piece of body.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>) {
    bytes += piece.byteLength;
    if (bytes > bytesMax) throw new BranchcastError('BC_LIMIT_EXCEEDED', `an upload has at most ${bytesMax} bytes; send less at a time`, { details: { bytesMax } });
    yield piece;
  }
}

/** A chunk that is not what its digest says is, here, the caller's doing. */
function asUploadError(thrown: unknown): BranchcastError {
  const error = asBranchcastError(thrown);
  return hasCode(error, 'BC_CHUNK_CORRUPT') ? new BranchcastError('BC_FRAME_MALFORMED', error.message, { details: error.details, cause: error }) : error;
}
