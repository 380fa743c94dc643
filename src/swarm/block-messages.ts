/**
 * The messages of `/branchcast/blocks/1`, byte by byte: docs/protocols.md, "LAN". Pinned by test/vectors/block-messages.hex.
 * Decoding checks every bound before it takes anything over, and throws BC_PROTOCOL.
 */
import { BranchcastError, ERRORS, type ErrorCode } from '../base/errors.ts';
import { LAN_ERROR_MESSAGE_CHARS_MAX, LAN_REF_BYTES_MAX, LAN_WANT_DIGESTS_MAX } from '../base/limits/lan.ts';
import { HAVE_ROOTS_MAX } from '../base/limits/wan.ts';
import { DIGEST_BYTES, digestFromBytes, digestToBytes, type Digest } from '../chunking/digest.ts';
import type { LayerRecord } from '../transfer/chunk-source.ts';
import { decodeLayer, encodeLayer } from './layer-json.ts';

export const BLOCKS_PROTOCOL = '/branchcast/blocks/1';

export type Request =
  | { readonly type: 'resolve'; readonly requestId: number; readonly ref: string }
  | { readonly type: 'manifest'; readonly requestId: number; readonly root: Digest; readonly have: readonly Digest[] }
  | { readonly type: 'want'; readonly requestId: number; readonly digests: readonly Digest[] }
  | { readonly type: 'cancel'; readonly requestId: number };

export type Reply =
  | { readonly type: 'layer'; readonly requestId: number; readonly layer: LayerRecord | undefined }
  | { readonly type: 'frame'; readonly requestId: number; readonly frame: Uint8Array }
  | { readonly type: 'missing'; readonly requestId: number; readonly digests: readonly Digest[] }
  | { readonly type: 'end'; readonly requestId: number }
  | { readonly type: 'alive'; readonly requestId: number }
  | { readonly type: 'error'; readonly requestId: number; readonly code: ErrorCode; readonly message: string; readonly retryAfterMs?: number };

const TYPES = { resolve: 0x01, manifest: 0x02, want: 0x03, cancel: 0x04, layer: 0x81, frame: 0x82, missing: 0x83, end: 0x84, error: 0x85, alive: 0x86 } as const;
/** Type and request id. */
const HEAD_BYTES = 5;
const JSON_BYTES_MAX = 16 * 1024;
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export function encodeRequest(request: Request): Uint8Array {
  const start = head(request.type, request.requestId);
  switch (request.type) {
    case 'resolve':
      return Buffer.concat([start, Buffer.from(request.ref, 'utf8')]);
    case 'manifest':
      return Buffer.concat([start, digestToBytes(request.root), Buffer.of(request.have.length), ...request.have.map(digestToBytes)]);
    case 'want':
      return Buffer.concat([start, ...request.digests.map(digestToBytes)]);
    case 'cancel':
  }
  return start;
}

/** The parts of the message, so that a frame is sent from where it is. */
export function encodeReply(reply: Reply): readonly Uint8Array[] {
  const start = head(reply.type, reply.requestId);
  switch (reply.type) {
    case 'layer':
      return [start, json(reply.layer === undefined ? null : encodeLayer(reply.layer))];
    case 'frame':
      return [start, reply.frame];
    case 'missing':
      return [start, ...reply.digests.map(digestToBytes)];
    case 'end':
    case 'alive':
      return [start];
    case 'error':
  }
  const { code, retryAfterMs } = reply;
  const message = reply.message.slice(0, LAN_ERROR_MESSAGE_CHARS_MAX);
  return [start, json({ code, message, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) })];
}

export function errorReply(requestId: number, error: BranchcastError): Reply {
  const { retryAfterMs } = error.details;
  return { type: 'error', requestId, code: error.code, message: error.message, ...(typeof retryAfterMs === 'number' ? { retryAfterMs } : {}) };
}

export function decodeRequest(bytes: Uint8Array): Request {
  const { code, requestId, body } = split(bytes);
  switch (code) {
    case TYPES.resolve:
      if (body.byteLength === 0 || body.byteLength > LAN_REF_BYTES_MAX) throw broken(`a layer name of ${body.byteLength} bytes`);
      return { type: 'resolve', requestId, ref: utf8(body) };
    case TYPES.manifest: {
      const haveCount = body[DIGEST_BYTES];
      if (haveCount === undefined || haveCount > HAVE_ROOTS_MAX || body.byteLength !== DIGEST_BYTES + 1 + haveCount * DIGEST_BYTES) {
        throw broken(`a manifest request of ${bytes.byteLength} bytes that names ${haveCount ?? 'no'} roots`);
      }
      return { type: 'manifest', requestId, root: digestFromBytes(body), have: digests(body.subarray(DIGEST_BYTES + 1), 0, HAVE_ROOTS_MAX) };
    }
    case TYPES.want:
      return { type: 'want', requestId, digests: digests(body, 1, LAN_WANT_DIGESTS_MAX) };
    case TYPES.cancel:
      if (body.byteLength !== 0) throw broken(`a cancel with ${body.byteLength} bytes too many`);
      return { type: 'cancel', requestId };
    default:
      throw broken(`a request of the unknown type ${code}`);
  }
}

/** A frame is a view of `bytes`, and is not looked into. */
export function decodeReply(bytes: Uint8Array): Reply {
  const { code, requestId, body } = split(bytes);
  switch (code) {
    case TYPES.layer: {
      const value = parseJson(body);
      const layer = value === null ? undefined : decodeLayer(value);
      if (value !== null && layer === undefined) throw broken('a layer record that is none');
      return { type: 'layer', requestId, layer };
    }
    case TYPES.frame:
      if (body.byteLength === 0) throw broken('an empty frame');
      return { type: 'frame', requestId, frame: body };
    case TYPES.missing:
      return { type: 'missing', requestId, digests: digests(body, 1, LAN_WANT_DIGESTS_MAX) };
    case TYPES.end:
    case TYPES.alive:
      if (body.byteLength !== 0) throw broken(`an end with ${body.byteLength} bytes too many`);
      return { type: code === TYPES.end ? 'end' : 'alive', requestId };
    case TYPES.error:
      return decodeError(requestId, parseJson(body));
    default:
      throw broken(`a reply of the unknown type ${code}`);
  }
}

function decodeError(requestId: number, value: unknown): Reply {
  const { code, message, retryAfterMs } = (typeof value === 'object' && value !== null ? value : {}) as Readonly<Record<string, unknown>>;
  if (typeof code !== 'string' || typeof message !== 'string' || message.length > LAN_ERROR_MESSAGE_CHARS_MAX) throw broken('an error without code and message');
  if (retryAfterMs !== undefined && !(typeof retryAfterMs === 'number' && retryAfterMs >= 0)) throw broken('an error with a pause that is no time');
  // A newer version may have codes that this one does not know.
  const known = Object.hasOwn(ERRORS, code) ? (code as ErrorCode) : 'BC_PROTOCOL';
  return { type: 'error', requestId, code: known, message, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
}

function head(type: keyof typeof TYPES, requestId: number): Buffer {
  const bytes = Buffer.alloc(HEAD_BYTES);
  bytes.writeUInt8(TYPES[type], 0);
  bytes.writeUInt32LE(requestId, 1);
  return bytes;
}

function split(bytes: Uint8Array): { readonly code: number; readonly requestId: number; readonly body: Uint8Array } {
  if (bytes.byteLength < HEAD_BYTES) throw broken(`a message of ${bytes.byteLength} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { code: view.getUint8(0), requestId: view.getUint32(1, true), body: bytes.subarray(HEAD_BYTES) };
}

function digests(body: Uint8Array, countMin: number, countMax: number): Digest[] {
  const count = body.byteLength / DIGEST_BYTES;
  if (!Number.isInteger(count) || count < countMin || count > countMax) throw broken(`${body.byteLength} bytes of digests; ${countMin} to ${countMax} digests of ${DIGEST_BYTES} bytes were expected`);
  return Array.from({ length: count }, (_, index) => digestFromBytes(body, index * DIGEST_BYTES));
}

function json(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value), 'utf8');
}

function parseJson(body: Uint8Array): unknown {
  if (body.byteLength > JSON_BYTES_MAX) throw broken(`${body.byteLength} bytes of JSON; the bound is ${JSON_BYTES_MAX}`);
  const text = utf8(body);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw broken('what should be JSON and is not', cause);
  }
}

function utf8(bytes: Uint8Array): string {
  try {
    return UTF8.decode(bytes);
  } catch (cause) {
    throw broken('what should be UTF-8 and is not', cause);
  }
}

function broken(what: string, cause?: unknown): BranchcastError {
  return new BranchcastError('BC_PROTOCOL', `the peer sent ${what}`, cause === undefined ? {} : { cause });
}
