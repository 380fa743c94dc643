/** One file over HTTP, with ranges, on loopback: what a plain web server is to zsync. Counts what it sends. */
import { once } from 'node:events';
import { createReadStream, statSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

interface Range {
  readonly start: number;
  /** Included, as in HTTP. */
  readonly end: number;
}

export class RangeServer {
  readonly #file: string;
  readonly #server: Server;
  #sentBytes = 0;

  private constructor(file: string) {
    this.#file = file;
    this.#server = createServer((request, response) => void this.#answer(request, response).catch(() => response.destroy()));
  }

  static async start(file: string): Promise<RangeServer> {
    const server = new RangeServer(file);
    server.#server.listen(0, '127.0.0.1');
    await once(server.#server, 'listening');
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/file`;
  }

  /** Of bodies; headers are not counted. */
  get sentBytes(): number {
    return this.#sentBytes;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const size = statSync(this.#file).size;
    const ranges = parseRanges(request.headers.range, size);
    if (ranges.length === 0) {
      response.writeHead(200, { 'content-length': size });
      await this.#send(response, { start: 0, end: size - 1 });
    } else if (ranges.length === 1 && ranges[0] !== undefined) {
      const [range] = ranges;
      response.writeHead(206, { 'content-range': `bytes ${range.start}-${range.end}/${size}`, 'content-length': range.end - range.start + 1 });
      await this.#send(response, range);
    } else {
      // RFC 9110, 14.6: several ranges travel as parts.
      const heads = ranges.map(({ start, end }) => `\r\n--part\r\nContent-Range: bytes ${start}-${end}/${size}\r\n\r\n`);
      const tail = '\r\n--part--\r\n';
      const length = ranges.reduce((sum, { start, end }, index) => sum + (heads[index]?.length ?? 0) + end - start + 1, tail.length);
      response.writeHead(206, { 'content-type': 'multipart/byteranges; boundary=part', 'content-length': length });
      for (const [index, range] of ranges.entries()) {
        response.write(heads[index]);
        await this.#send(response, range);
      }
      response.write(tail);
    }
    response.end();
  }

  async #send(response: ServerResponse, range: Range): Promise<void> {
    this.#sentBytes += range.end - range.start + 1;
    for await (const part of createReadStream(this.#file, range)) if (!response.write(part)) await once(response, 'drain');
  }
}

function parseRanges(header: string | undefined, size: number): Range[] {
  const list = /^bytes=(.+)$/.exec(header ?? '')?.[1]?.split(',') ?? [];
  return list.map((part) => part.trim().split('-')).map(([start = '', end = '']) => ({ start: Number(start), end: end === '' ? size - 1 : Math.min(Number(end), size - 1) }));
}
