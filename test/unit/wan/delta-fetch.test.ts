/** A core that sends deltas well, wrongly, not to the end, or not at all: what is right is used, the rest is left to the other way, and nothing throws. */
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import t, { type Test } from 'tap';
import { DELTA_MISSES_MAX, DELTAS_OFF_MS } from '../../../src/base/limits/deltas.ts';
import { REQUEST_DIGESTS_MAX } from '../../../src/base/limits/wan.ts';
import type { Digest } from '../../../src/chunking/digest.ts';
import { encodeDelta } from '../../../src/delta/delta-encode.ts';
import { decodeFrame } from '../../../src/store/frame-decode.ts';
import type { Chunk } from '../../../src/store/frame-encode.ts';
import type { DeltaUse, OldContent } from '../../../src/transfer/chunk-source.ts';
import { CoreClient } from '../../../src/wan/core-client.ts';
import { DeltaFetch } from '../../../src/wan/delta-fetch.ts';
import { ManualClock } from '../../doubles/manual-clock.ts';
import { chunkOf, noise } from '../store/chunks.ts';

const { signal } = new AbortController();
const old = Array.from({ length: 5 }, (_, at) => chunkOf(noise(9000, at + 1)));
const fresh = old.map(({ bytes }, at) => chunkOf(Buffer.concat([bytes, Buffer.of(at)])));
const deltas = fresh.map((chunk, at) => Buffer.from(encodeDelta([chunk], [old[at] as Chunk], 9000) as Uint8Array));
const root = (digit: string): Digest => digit.repeat(64) as Digest;

function content(held: readonly Chunk[] = old): OldContent {
  const bytes = new Map(held.map((chunk) => [chunk.digest, chunk.bytes]));
  return { to: root('2'), from: [root('1')], read: async (digest) => bytes.get(digest) };
}

interface Fetched {
  readonly came: readonly Digest[];
  readonly left: ReadonlySet<Digest>;
  readonly uses: readonly DeltaUse[];
}

async function fixture(t: Test, answer: RequestListener): Promise<{ readonly clock: ManualClock; readonly fetch: (content?: OldContent, wanted?: readonly Digest[]) => Promise<Fetched> }> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const clock = new ManualClock();
  const client = new CoreClient(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, { backoffFirstMs: 1, stallTimeoutMs: 2000 });
  t.teardown(async () => {
    await client.close();
    server.closeAllConnections();
    server.close();
  });
  const fetcher = new DeltaFetch(client, 'zstd', clock);
  return {
    clock,
    async fetch(held = content(), wanted = fresh.map(({ digest }) => digest)) {
      const left = new Set(wanted);
      const came: Digest[] = [];
      const uses: DeltaUse[] = [];
      for await (const frame of fetcher.fetch(left, held, { signal, onDelta: (use) => uses.push(use) })) came.push(...decodeFrame(frame).map(({ digest }) => digest));
      return { came, left, uses };
    },
  };
}

await t.test('what comes is decoded and told of', async (t) => {
  const { fetch } = await fixture(t, (_request, response) => response.end(Buffer.concat(deltas)));
  const { came, left, uses } = await fetch();
  t.same(came, fresh.map(({ digest }) => digest));
  t.equal(left.size, 0);
  t.same(uses.map(({ deltaBytes, fullBytes }) => [deltaBytes, fullBytes]), deltas.map(({ byteLength }) => [byteLength, 9000]));
});

await t.test('a delta whose base is not here is passed over, and after some the rest is given up', async (t) => {
  const { fetch } = await fixture(t, (_request, response) => response.end(Buffer.concat(deltas)));
  const some = await fetch(content(old.slice(1)));
  t.equal(some.came.length, 4);
  t.equal(some.uses.filter(({ frameBytes }) => frameBytes === 0).length, 1);
  const none = await fetch(content([]));
  t.equal(none.came.length, 0);
  t.equal(none.uses.length, DELTA_MISSES_MAX);
  const wrong = await fetch(content(old.map(({ digest }) => ({ digest, bytes: noise(9001, 50) }))));
  t.equal(wrong.came.length, 0, 'a base of another length');
});

await t.test('wrong bytes end deltas from this core for a while', async (t) => {
  let asked = 0;
  const bad = Buffer.from(deltas[1] as Buffer);
  bad.writeUInt8(bad.readUInt8(bad.byteLength - 1) ^ 1, bad.byteLength - 1);
  const { clock, fetch } = await fixture(t, (_request, response) => {
    asked += 1;
    response.end(Buffer.concat([deltas[0] as Buffer, bad]));
  });
  t.equal((await fetch()).came.length, 1, 'what came before is used');
  await fetch();
  t.equal(asked, 1);
  clock.advance(DELTAS_OFF_MS + 1);
  await fetch();
  t.equal(asked, 2);
});

await t.test('a core that knows of no deltas is not asked again; one that is busy is', async (t) => {
  for (const [code, status, times] of [['BC_NOT_FOUND', 404, 1], ['BC_BUSY', 503, 2], ['BC_LAYER_NOT_FOUND', 404, 2]] as const) {
    let asked = 0;
    const { fetch } = await fixture(t, (_request, response) => {
      asked += 1;
      response.writeHead(status).end(JSON.stringify({ error: { code, message: 'no', details: {} } }));
    });
    for (let time = 0; time < 2; time += 1) t.equal((await fetch()).left.size, fresh.length);
    t.equal(asked, times, code);
  }
});

await t.test('an answer that breaks off leaves the rest', async (t) => {
  const { fetch } = await fixture(t, (_request, response) => {
    response.write(Buffer.concat([deltas[0] as Buffer, (deltas[1] as Buffer).subarray(0, 50)]), () => response.destroy());
  });
  t.equal((await fetch()).left.size, fresh.length - 1);
});

await t.test('a long list is asked for in parts', async (t) => {
  const sizes: number[] = [];
  const { fetch } = await fixture(t, (request, response) => {
    let bytes = 0;
    request.on('data', (piece: Buffer) => (bytes += piece.byteLength)).on('end', () => {
      sizes.push(bytes / 32);
      response.end();
    });
  });
  await fetch(content(), Array.from({ length: REQUEST_DIGESTS_MAX + 5 }, (_, at) => at.toString(16).padStart(64, '0') as Digest));
  t.same(sizes, [REQUEST_DIGESTS_MAX, 5]);
});
