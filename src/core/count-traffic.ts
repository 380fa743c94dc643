/** Counts every body byte that leaves, whichever route made it. */
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Check } from 'typebox/value';
import { SiteName } from '../wan/api-messages.ts';
import type { TrafficKind } from '../wan/http-transport.ts';
import type { Traffic } from './traffic.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What the bytes of this route's answers are for; `other` if it does not say. */
    traffic?: TrafficKind;
  }
}

export function countTraffic(app: FastifyInstance, traffic: Traffic): void {
  app.addHook('onSend', async (request, reply, payload) => {
    const site = siteOf(request);
    const kind = reply.statusCode < 400 ? (request.routeOptions.config.traffic ?? 'other') : 'other';
    if (payload instanceof Readable) return Readable.from(counted(payload, (bytes) => traffic.add(site, kind, bytes)), { objectMode: false });
    if (typeof payload === 'string' || Buffer.isBuffer(payload)) traffic.add(site, kind, Buffer.byteLength(payload));
    return payload;
  });
}

/** The site that the caller says it is of; undefined if it names none, or none that could be. */
function siteOf(request: FastifyRequest): string | undefined {
  const site = request.headers['branchcast-site'];
  return typeof site === 'string' && Check(SiteName, site) ? site : undefined;
}

async function* counted(payload: Readable, add: (bytes: number) => void): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const piece of payload as AsyncIterable<Uint8Array>) {
    add(piece.byteLength);
    yield piece;
  }
}
