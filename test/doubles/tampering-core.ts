/** Stands before a test core and spoils its answers as a test says: a bad line, a bad proxy, a bad disk. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestCore } from './test-core.ts';

export type Spoil =
  /** The connection ends before an answer. */
  | 'close'
  /** Half of the body, then the connection ends. */
  | 'cut'
  /** Half of the body, then silence. */
  | 'stall'
  /** No answer at all. */
  | 'silence'
  /** One byte in the middle of the body is another. */
  | 'flip'
  /** The body lacks its last bytes, and its length says so. */
  | 'short'
  /** The same, in a body without a length. */
  | 'short-chunked'
  /** More bytes than were asked for. */
  | 'long'
  /** The range is ignored. */
  | 'whole'
  /** A proxy's own error. */
  | 'html-502'
  | 'busy'
  | 'not-http'
  | 'empty'
  /** A few bytes at a time. */
  | 'drip';

export interface TamperingCore {
  readonly url: string;
  /** Requests so far, `GET /v1/packs/…` each. */
  readonly requests: readonly string[];
  close(): Promise<void>;
}

/** `spoil` is asked for each request, `count` being how many of this route came before. */
export async function startTamperingCore(core: TestCore, spoil: (route: string, count: number) => Spoil | undefined): Promise<TamperingCore> {
  const requests: string[] = [];
  const counts = new Map<string, number>();
  const server = createServer((request, response) => {
    void forward(request, response).catch(() => response.destroy());
  });
  async function forward(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const pieces: Buffer[] = [];
    for await (const piece of request as AsyncIterable<Buffer>) pieces.push(piece);
    const url = request.url ?? '/';
    requests.push(`${request.method} ${url}`);
    const route = `${request.method} ${/^\/v1\/[a-z]+/.exec(url)?.[0] ?? url}`;
    const count = counts.get(route) ?? 0;
    counts.set(route, count + 1);
    const how = spoil(route, count);
    const headers = { ...request.headers } as Record<string, string>;
    if (how === 'whole') delete headers['range'];
    delete headers['transfer-encoding'];
    const answer = await core.app.inject({ method: request.method as 'GET', url, headers, ...(pieces.length === 0 ? {} : { payload: Buffer.concat(pieces) }) });
    send(response, answer.statusCode, { ...answer.headers } as Record<string, string>, Buffer.from(answer.rawPayload), how);
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

function send(response: ServerResponse, status: number, headers: Record<string, string>, body: Buffer, how: Spoil | undefined): void {
  delete headers['transfer-encoding'];
  delete headers['connection'];
  const half = body.subarray(0, body.length >> 1);
  const whole = { ...headers, 'content-length': String(body.length) };
  switch (how) {
    case 'close':
      response.destroy();
      return;
    case 'silence':
      return;
    case 'cut':
      response.writeHead(status, whole);
      response.write(half, () => response.destroy());
      return;
    case 'stall':
      response.writeHead(status, whole);
      response.write(half);
      return;
    case 'flip':
      body[body.length >> 1] = (body[body.length >> 1] ?? 0) ^ 0x55;
      break;
    case 'short':
      response.writeHead(status, { ...headers, 'content-length': String(half.length) });
      response.end(half);
      return;
    case 'short-chunked':
      delete headers['content-length'];
      response.writeHead(status, headers);
      response.end(half);
      return;
    case 'long':
      response.writeHead(status, { ...headers, 'content-length': String(body.length + 7) });
      response.end(Buffer.concat([body, Buffer.alloc(7)]));
      return;
    case 'html-502':
      response.writeHead(502, { 'content-type': 'text/html' });
      response.end('<h1>Bad gateway</h1>');
      return;
    case 'busy':
      response.writeHead(503, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ error: { code: 'BC_BUSY', message: 'busy', details: { retryAfterMs: 1 } } }));
      return;
    case 'not-http':
      response.socket?.end('what?\r\n\r\n');
      return;
    case 'empty':
      response.writeHead(status, { ...headers, 'content-length': '0' });
      response.end();
      return;
    case 'drip':
      response.writeHead(status, whole);
      drip(response, body);
      return;
    case 'whole':
    case undefined:
      break;
  }
  response.writeHead(status, whole);
  response.end(body);
}

function drip(response: ServerResponse, body: Buffer): void {
  const step = Math.max(1, Math.ceil(body.length / 50));
  let at = 0;
  const next = (): void => {
    if (at >= body.length) {
      response.end();
      return;
    }
    response.write(body.subarray(at, (at += step)), () => setImmediate(next));
  };
  next();
}
