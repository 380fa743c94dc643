/** Calls to the local HTTP API of a reflector on this machine. */
import { Type, type Static, type TSchema } from 'typebox';
import { asBranchcastError, BranchcastError } from '../base/errors.ts';
import { LOCAL_API_TIMEOUT_MS } from '../base/limits/daemons.ts';
import { ANSWER_BYTES_MAX } from '../base/limits/wan.ts';
import { expectJson, ScrubJson, StoreStatsJson, type ScrubStatus } from '../wan/api-messages.ts';
import { HttpAgent } from '../wan/http-agent.ts';
import { errorOfAnswer, parseJson } from '../wan/network-error.ts';

/** What `cache status` shows of a reflector's status; there is more in it. */
const ReflectorStatus = Type.Object({
  site: Type.String(),
  coreUrl: Type.String(),
  coreReachable: Type.Optional(Type.Boolean()),
  layerCount: Type.Number(),
  connectionCount: Type.Number(),
  cache: StoreStatsJson,
});
export type ReflectorStatus = Static<typeof ReflectorStatus>;

export function reflectorStatus(url: string, signal: AbortSignal): Promise<ReflectorStatus> {
  return call(ReflectorStatus, 'GET', url, '/v1/status', signal);
}

export function startReflectorScrub(url: string, signal: AbortSignal): Promise<ScrubStatus> {
  return call(ScrubJson, 'POST', url, '/v1/scrub', signal);
}

export function reflectorScrub(url: string, signal: AbortSignal): Promise<ScrubStatus> {
  return call(ScrubJson, 'GET', url, '/v1/scrub', signal);
}

async function call<S extends TSchema>(schema: S, method: 'GET' | 'POST', url: string, path: string, signal: AbortSignal): Promise<Static<S>> {
  const base = URL.parse(url);
  if (base === null || base.protocol !== 'http:') throw new BranchcastError('BC_USAGE', `"${url}" is no address of a reflector's API; write it like http://127.0.0.1:7411`);
  const sender = `reflector API ${url}`;
  let status: number;
  let body: Uint8Array;
  const agent = new HttpAgent({ headersTimeout: LOCAL_API_TIMEOUT_MS, bodyTimeout: LOCAL_API_TIMEOUT_MS });
  try {
    const answer = await agent.request({ origin: base.origin, path, method, signal });
    status = answer.statusCode;
    body = await readBounded(answer.body, sender);
  } catch (thrown) {
    if (signal.aborted || thrown instanceof BranchcastError) throw asBranchcastError(signal.aborted ? signal.reason : thrown);
    throw new BranchcastError('BC_REFLECTOR_UNREACHABLE', `${sender} cannot be reached: ${(thrown as Error).message}`, { details: { url }, cause: thrown });
  } finally {
    await agent.destroy();
  }
  if (status >= 400) throw errorOfAnswer(status, body, url);
  return expectJson(schema, parseJson(body), sender);
}

async function readBounded(body: AsyncIterable<Uint8Array>, sender: string): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of body) {
    bytes += piece.byteLength;
    if (bytes > ANSWER_BYTES_MAX) throw new BranchcastError('BC_PROTOCOL', `${sender}: an answer of more than ${ANSWER_BYTES_MAX} bytes`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}
