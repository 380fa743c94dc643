/** Chunks and nodes by digest: what is missing, where the rest is, and the bytes. */
import { Type } from 'typebox';
import { BranchcastError } from '../base/errors.ts';
import { CHUNK_ANSWERS_MAX, CHUNK_ANSWERS_WAITING_MAX } from '../base/limits/wan.ts';
import { parseDigest, type Digest } from '../chunking/digest.ts';
import { frameKey, type ChunkStore } from '../store/chunk-store.ts';
import { selectFrames } from '../store/select-frames.ts';
import { decodeDigests, DIGEST_LIST_BYTES_MAX, encodeBitmap } from '../wan/digest-list.ts';
import { encodeFrameList, type WantedFrame } from '../wan/frame-list.ts';
import { BytesAnswer, DigestsBody, ERRORS, OCTETS, type CoreApp, type CoreParts } from './core-app.ts';
import { Gate } from './gate.ts';
import { begun, callerGone, streamOf } from './stream-answer.ts';

export function blockRoutes(app: CoreApp, { store }: CoreParts): void {
  const chunkAnswers = new Gate('answers with chunks', CHUNK_ANSWERS_MAX, CHUNK_ANSWERS_WAITING_MAX);
  app.addContentTypeParser(OCTETS, { parseAs: 'buffer', bodyLimit: DIGEST_LIST_BYTES_MAX }, (_request, body, done) => done(null, body));
  const digestsIn = { consumes: [OCTETS], tags: ['blocks'], body: DigestsBody };

  app.post('/v1/missing', {
    schema: { ...digestsIn, summary: 'Which of these the core lacks', response: { 200: BytesAnswer('Bitmap: bit i, least significant first, is set if digest i is not stored'), ...ERRORS } },
  }, async ({ body }, reply) => {
    const missing = store.has(decodeDigests(octets(body))).map((has) => !has);
    return reply.type(OCTETS).send(Buffer.from(encodeBitmap(missing)));
  });

  app.post('/v1/locate', {
    schema: { ...digestsIn, summary: 'Which frames of which packs hold these', response: { 200: BytesAnswer('Frame list, see docs/protocols.md'), ...ERRORS } },
  }, async ({ body }, reply) => reply.type(OCTETS).send(Buffer.from(encodeFrameList(framesOf(store, decodeDigests(octets(body)))))));

  app.post('/v1/chunks', {
    config: { traffic: 'chunks' },
    schema: { ...digestsIn, summary: 'Frames made for just these chunks, each verified', response: { 200: BytesAnswer('Frames, one after the other; chunks that are not stored are left out'), ...ERRORS } },
  }, async ({ body }, reply) => {
    const digests = decodeDigests(octets(body));
    const gone = callerGone(reply);
    const leave = await chunkAnswers.enter(gone);
    reply.raw.once('close', leave);
    return reply.type(OCTETS).send(streamOf(await begun(selectFrames(store, digests, gone))));
  });

  app.get('/v1/blocks/:digest', {
    config: { traffic: 'manifests' },
    schema: {
      summary: 'The bytes of one block: a descriptor, a node, a chunk',
      tags: ['blocks'], params: Type.Object({ digest: Type.String({ pattern: '^[0-9a-f]{64}$' }) }), response: { 200: BytesAnswer('The bytes'), ...ERRORS },
    },
  }, async ({ params }, reply) => {
    const digest = parseDigest(params.digest);
    const bytes = digest === undefined ? undefined : await store.get(digest);
    if (bytes === undefined) throw new BranchcastError('BC_CHUNK_NOT_FOUND', `the core has no block ${params.digest}`, { details: { digest: params.digest } });
    return reply.type(OCTETS).send(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  });
}

/** The frames that hold the digests, sorted by pack and offset. A digest that is asked about twice is found once. */
function framesOf(store: ChunkStore, digests: readonly Digest[]): WantedFrame[] {
  const frames = new Map<string, WantedFrame & { wantedRawBytes: number; wanted: number[] }>();
  const seen = new Set<Digest>();
  store.locate(digests).forEach((location, index) => {
    const digest = digests[index];
    if (location === undefined || digest === undefined || seen.has(digest)) return;
    seen.add(digest);
    const { packId, offsetBytes, storedBytes, rawBytes, chunkBytes } = location;
    const key = frameKey(location);
    const frame = frames.get(key) ?? { packId, offsetBytes, storedBytes, rawBytes, wantedRawBytes: 0, wanted: [] };
    frame.wantedRawBytes += chunkBytes;
    frame.wanted.push(index);
    frames.set(key, frame);
  });
  return [...frames.values()].sort((a, b) => (a.packId < b.packId ? -1 : a.packId > b.packId ? 1 : a.offsetBytes - b.offsetBytes));
}

/** A request without a body is a list of nothing. */
function octets(body: Buffer | null | undefined): Uint8Array {
  return body ?? new Uint8Array(0);
}
