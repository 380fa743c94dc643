/** Whatever callers send, the core answers in the API's words and with a status that blames them: never a 500, never a broken store. */
import { connect } from 'node:net';
import * as fc from 'fast-check';
import t from 'tap';
import { formatRoot, type Digest } from '../../../src/chunking/digest.ts';
import { hash } from '../../../src/chunking/hash.ts';
import { encodeFrame } from '../../../src/store/frame-encode.ts';
import { CoreClient } from '../../../src/wan/core-client.ts';
import { uploadBlocks } from '../../../src/wan/layer-uploader.ts';
import { each, makeLayer, noiseFiles, startTestCore, type TestCore } from '../../doubles/test-core.ts';
import { scratchDirectory } from '../image/scratch.ts';

const OCTETS = { 'content-type': 'application/octet-stream' };
const bytes = fc.uint8Array({ maxLength: 300 });

let core: TestCore;
const layer = makeLayer(noiseFiles(3, 2000));

t.before(async () => {
  core = await startTestCore(scratchDirectory(t));
  const client = new CoreClient(core.url);
  await uploadBlocks(client, each(layer.blocks), { workerCount: 1 });
  await client.commitLayer({ name: 'a', version: '1', kind: 'base', descriptor: layer.descriptor });
  await client.close();
});
t.teardown(() => core.close());

async function statusOf(method: 'GET' | 'POST' | 'PUT', url: string, payload?: Uint8Array | string, headers: Record<string, string> = OCTETS): Promise<number> {
  const answer = await core.app.inject({ method, url, headers, ...(payload === undefined ? {} : { payload: Buffer.from(payload) }) });
  if (answer.statusCode >= 400) {
    const { error } = answer.json<{ error: { code: string; message: string } }>();
    if (!/^BC_[A-Z_]+$/.test(error.code) || error.message === '') throw new Error(`${method} ${url} failed in other words: ${answer.payload}`);
  }
  return answer.statusCode;
}

void t.test('random bytes', async (t) => {
  const fine = (status: number): boolean => status === 200 || (status >= 400 && status < 500);
  for (const url of ['/v1/missing', '/v1/locate', '/v1/chunks', '/v1/frames']) {
    await fc.assert(fc.asyncProperty(bytes, async (payload) => fine(await statusOf('POST', url, payload))), { seed: 20261121, numRuns: 60 });
    t.pass(url);
  }
  const frame = Buffer.from(encodeFrame([{ digest: hash(Buffer.from('abc')), bytes: Buffer.from('abc') }]));
  await fc.assert(
    fc.asyncProperty(fc.nat(frame.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
      const torn = Buffer.from(frame);
      torn[at] = (torn[at] ?? 0) ^ change;
      const status = await statusOf('POST', '/v1/frames', torn);
      return status >= 400 && status < 500;
    }),
    { seed: 20261121, numRuns: 100 },
  );
  await fc.assert(fc.asyncProperty(bytes, async (payload) => fine(await statusOf('POST', '/v1/layers', payload, { 'content-type': 'application/json' }))), { seed: 1, numRuns: 60 });
  await fc.assert(fc.asyncProperty(fc.json(), async (payload) => (await statusOf('POST', '/v1/layers', payload, { 'content-type': 'application/json' })) === 400), { seed: 1, numRuns: 60 });
  await fc.assert(fc.asyncProperty(fc.json(), async (payload) => fine(await statusOf('PUT', '/v1/sites/a/members/b', payload, { 'content-type': 'application/json' }))), { seed: 1, numRuns: 60 });
  await fc.assert(fc.asyncProperty(fc.webPath(), fc.constantFrom('GET' as const, 'POST' as const), async (path, method) => fine(await statusOf(method, path === '' ? '/' : path))), { seed: 1, numRuns: 100 });
});

void t.test('a wrong digest in a good frame blames its sender', async (t) => {
  const frame = encodeFrame([{ digest: 'ab'.repeat(32) as Digest, bytes: Buffer.from('abc') }]);
  const answer = await core.app.inject({ method: 'POST', url: '/v1/frames', headers: OCTETS, payload: Buffer.from(frame) });
  t.equal(answer.statusCode, 422);
  t.match(answer.json(), { error: { code: 'BC_FRAME_MALFORMED', message: /ababab/ } });
});

void t.test('what is out of form or not there', async (t) => {
  const root = formatRoot(layer.root);
  const cases: readonly (readonly [number, 'GET' | 'POST' | 'PUT', string])[] = [
    [400, 'GET', '/v1/layers?after=-1'], [400, 'GET', '/v1/layers?name=..'], [400, 'GET', '/v1/changes?waitMs=99999999'], [400, 'GET', '/v1/layers/..%2Fa'],
    [404, 'GET', '/v1/layers/a@2'], [200, 'GET', '/v1/layers/a@1'], [200, 'GET', `/v1/layers/${root}`],
    [400, 'GET', '/v1/packs/..%2F..%2Fetc%2Fpasswd'], [400, 'GET', '/v1/packs/ABC'], [404, 'GET', '/v1/packs/nosuch'],
    [400, 'GET', '/v1/manifests/nonsense'], [404, 'GET', `/v1/manifests/${formatRoot('0'.repeat(64) as Digest)}`], [400, 'GET', `/v1/manifests/${root}?have=x`],
    [200, 'GET', `/v1/manifests/${root}?have=${formatRoot('0'.repeat(64) as Digest)}`], [422, 'GET', `/v1/manifests/${formatRoot(layer.chunks[0] as Digest)}`],
    [400, 'GET', '/v1/blocks/xyz'], [404, 'GET', `/v1/blocks/${'0'.repeat(64)}`], [200, 'GET', `/v1/blocks/${layer.root}`],
    [404, 'GET', '/v1/sites/nowhere'], [400, 'GET', '/v1/sites/a%20b'], [404, 'GET', '/nothing'], [404, 'PUT', '/v1/layers'],
  ];
  for (const [status, method, url] of cases) t.equal(await statusOf(method, url, undefined, {}), status, `${method} ${url}`);
  t.equal(await statusOf('POST', '/v1/missing', 'text', { 'content-type': 'text/plain' }), 400, 'a body of another type');
  t.equal(await statusOf('POST', '/v1/missing', Buffer.alloc(32 * 8193)), 413, 'too many digests');
  t.equal(await statusOf('POST', '/v1/layers', `{"name":"${'a'.repeat(2_000_000)}"}`, { 'content-type': 'application/json' }), 413, 'too much JSON');
});

void t.test('ranges of packs', async (t) => {
  const [location] = core.parts.store.locate([layer.chunks[0] as Digest]);
  const packId = location?.packId ?? '';
  const get = (range?: string) => core.app.inject({ method: 'GET', url: `/v1/packs/${packId}`, headers: range === undefined ? {} : { range } });
  const whole = await get();
  const total = core.parts.store.packBytes(packId) ?? 0;
  t.equal(whole.statusCode, 200);
  t.equal(whole.rawPayload.byteLength, total);
  const part = await get('bytes=10-19');
  t.equal(part.statusCode, 206);
  t.equal(part.headers['content-range'], `bytes 10-19/${total}`);
  t.equal(part.headers['content-length'], '10');
  t.same(part.rawPayload, whole.rawPayload.subarray(10, 20));
  t.same((await get('bytes=-5')).rawPayload, whole.rawPayload.subarray(total - 5));
  const beyond = await get(`bytes=${total}-`);
  t.equal(beyond.statusCode, 416);
  t.equal(beyond.headers['content-range'], `bytes */${total}`);
  t.equal(beyond.json<{ error: { code: string } }>().error.code, 'BC_RANGE_UNSATISFIABLE');
  t.equal((await get('bytes=0-1,4-5')).statusCode, 416);
});

void t.test('chunks that are not stored are left out, and asked about twice come once', async (t) => {
  const known = layer.chunks[0] as Digest;
  const digests = Buffer.concat([Buffer.from(known, 'hex'), Buffer.alloc(32), Buffer.from(known, 'hex')]);
  const answer = await core.app.inject({ method: 'POST', url: '/v1/chunks', headers: OCTETS, payload: digests });
  t.equal(answer.statusCode, 200);
  t.ok(answer.rawPayload.byteLength > 2000 && answer.rawPayload.byteLength < 3000);
  t.same([...(await core.app.inject({ method: 'POST', url: '/v1/missing', headers: OCTETS, payload: digests })).rawPayload], [0b010]);
});

void t.test('an upload that is refused, or that ends early, leaves the core as it was', async (t) => {
  const before = core.parts.store.stats().chunkCount;
  const good = encodeFrame([{ digest: hash(Buffer.from('good')), bytes: Buffer.from('good') }]);
  const { hostname, port } = new URL(core.url);
  for (const ending of ['close', 'garbage'] as const) {
    const answer = await new Promise<string>((resolve, reject) => {
      const socket = connect(Number(port), hostname);
      let text = '';
      socket.on('data', (piece) => (text += piece.toString()));
      socket.on('close', () => resolve(text));
      socket.on('error', reject);
      socket.write(`POST /v1/frames HTTP/1.1\r\nhost: x\r\ncontent-type: application/octet-stream\r\ncontent-length: 5000\r\nconnection: close\r\n\r\n`);
      socket.write(good.subarray(0, good.length - 2));
      if (ending === 'close') setTimeout(() => socket.destroy(), 20);
      else socket.write(Buffer.alloc(5000));
    });
    if (ending === 'garbage') t.match(answer, /^HTTP\/1\.1 422 .*BC_FRAME_MALFORMED/s);
  }
  const tooMuch = await core.app.inject({ method: 'POST', url: '/v1/frames', headers: OCTETS, payload: Buffer.concat(Array.from({ length: 600_000 }, () => good)) });
  t.equal(tooMuch.statusCode, 413);
  t.ok(core.parts.store.stats().chunkCount <= before + 1, 'at most what was whole is kept');
});
