/** What went wrong on the way to the core, as a BranchcastError that names the core. */
import { Check } from 'typebox/value';
import { asBranchcastError, BranchcastError, ERRORS, type ErrorCode } from '../base/errors.ts';
import { ErrorJson } from './api-messages.ts';

/** Nothing was sent: there is nobody, or no way. */
const NOT_REACHED = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'EHOSTDOWN', 'EADDRNOTAVAIL', 'UND_ERR_CONNECT_TIMEOUT']);
const STALLED = new Set(['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'ETIMEDOUT']);
const ENDED = new Set(['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE', 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH', 'UND_ERR_ABORTED', 'ERR_STREAM_PREMATURE_CLOSE', 'UND_ERR_CLOSED', 'UND_ERR_DESTROYED', 'Z_BUF_ERROR']);

export function networkError(thrown: unknown, url: string, signal: AbortSignal | undefined): BranchcastError {
  if (thrown instanceof BranchcastError) return thrown;
  if (signal?.aborted === true) return asBranchcastError(signal.reason);
  const error = thrown as NodeJS.ErrnoException & { readonly errors?: readonly NodeJS.ErrnoException[] };
  // Happy eyeballs (RFC 8305) tries several addresses; their errors come together, the first is as good as any.
  const code = error.code ?? error.errors?.[0]?.code ?? '';
  const why = code === '' ? error.message : `${code}${error.message === '' ? '' : `: ${error.message}`}`;
  const made = (kind: ErrorCode, what: string): BranchcastError => new BranchcastError(kind, `core ${url}: ${what} (${why})`, { details: { url }, cause: thrown });
  if (NOT_REACHED.has(code)) return made('BC_CORE_UNREACHABLE', 'cannot be reached');
  if (STALLED.has(code)) return made('BC_TIMEOUT', 'sent nothing for too long');
  if (ENDED.has(code)) return made('BC_CONNECTION_LOST', 'the connection ended in the middle');
  if (error.name === 'HTTPParserError' || code.startsWith('HPE_') || code.startsWith('ZSTD_')) return made('BC_PROTOCOL', 'the answer is not well formed');
  return made('BC_CORE_UNREACHABLE', 'the request failed');
}

/** The error that an answer with a status of 400 or more carries; a proxy in between answers in its own words. */
export function errorOfAnswer(status: number, body: Uint8Array, url: string): BranchcastError {
  const json = parseJson(body);
  if (Check(ErrorJson, json) && Object.hasOwn(ERRORS, json.error.code)) {
    return new BranchcastError(json.error.code as ErrorCode, json.error.message, { details: { ...json.error.details, url } });
  }
  const code = status === 429 || status === 502 || status === 503 || status === 504 ? 'BC_CORE_UNREACHABLE' : 'BC_PROTOCOL';
  return new BranchcastError(code, `core ${url}: answered with status ${status} and not in the words of the API`, { details: { url, status } });
}

/** undefined for what is no JSON. */
export function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8'));
  } catch {
    return undefined;
  }
}
