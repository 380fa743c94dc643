import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import t from 'tap';
import { hasCode } from '../../../src/base/errors.ts';
import { LAN_ERROR_MESSAGE_CHARS_MAX, LAN_REF_BYTES_MAX, LAN_REQUEST_BYTES_MAX, LAN_WANT_DIGESTS_MAX } from '../../../src/base/limits/lan.ts';
import { HAVE_ROOTS_MAX } from '../../../src/base/limits/wan.ts';
import type { Digest } from '../../../src/chunking/digest.ts';
import { decodeReply, decodeRequest, encodeReply, encodeRequest, type Reply, type Request } from '../../../src/swarm/block-messages.ts';

const A = 'a'.repeat(64) as Digest;
const B = 'b'.repeat(64) as Digest;

const requests: Readonly<Record<string, Request>> = {
  resolve: { type: 'resolve', requestId: 7, ref: 'base/dé@1' },
  manifest: { type: 'manifest', requestId: 0xffffffff, root: A, have: [B, A] },
  want: { type: 'want', requestId: 256, digests: [A, B] },
  cancel: { type: 'cancel', requestId: 0x04030201 },
};

const replies: Readonly<Record<string, Reply>> = {
  layer: { type: 'layer', requestId: 1, layer: { name: 'base/debian', version: '12.8', root: A, descriptor: B } },
  'no layer': { type: 'layer', requestId: 1, layer: undefined },
  frame: { type: 'frame', requestId: 2, frame: Buffer.from('4243463100ff', 'hex') },
  missing: { type: 'missing', requestId: 3, digests: [B] },
  end: { type: 'end', requestId: 4 },
  error: { type: 'error', requestId: 5, code: 'BC_BUSY', message: 'later', retryAfterMs: 1000 },
  alive: { type: 'alive', requestId: 6 },
};

/** `[name]` and hex lines with comments. */
function readVectors(): Map<string, Buffer> {
  const text = readFileSync(new URL('../../vectors/block-messages.hex', import.meta.url), 'utf8');
  const vectors = new Map<string, string>();
  let name = '';
  for (const line of text.split('\n')) {
    const bytes = line.replace(/#.*/, '').replaceAll(/\s/g, '');
    const title = /^\[(.+)\]$/.exec(line.trim())?.[1];
    if (title === undefined) vectors.set(name, (vectors.get(name) ?? '') + bytes);
    else name = title;
  }
  vectors.delete('');
  return new Map([...vectors].map(([key, hex]) => [key, Buffer.from(hex, 'hex')]));
}

await t.test('the bytes are those of the vectors, both ways', async (t) => {
  const vectors = readVectors();
  t.same([...vectors.keys()].toSorted(), [...Object.keys(requests), ...Object.keys(replies)].toSorted(), 'a vector for every message');
  for (const [name, request] of Object.entries(requests)) {
    const bytes = vectors.get(name) ?? Buffer.of();
    t.same(Buffer.from(encodeRequest(request)), bytes, `${name} is written so`);
    t.same(decodeRequest(bytes), request, `${name} is read so`);
    t.throws(() => decodeReply(bytes), { code: 'BC_PROTOCOL' }, 'and is no reply');
  }
  for (const [name, reply] of Object.entries(replies)) {
    const bytes = vectors.get(name) ?? Buffer.of();
    t.same(Buffer.concat(encodeReply(reply)), bytes, `${name} is written so`);
    t.same(decodeReply(bytes), reply, `${name} is read so`);
    t.throws(() => decodeRequest(bytes), { code: 'BC_PROTOCOL' }, 'and is no request');
  }
});

await t.test('bounds are kept, at the bound and beyond it', async (t) => {
  const digests = (count: number): Digest[] => Array.from({ length: count }, () => A);
  const refused = (bytes: Uint8Array, what: string): void => {
    t.throws(() => decodeRequest(bytes), { code: 'BC_PROTOCOL' }, what);
  };
  const want = encodeRequest({ type: 'want', requestId: 1, digests: digests(LAN_WANT_DIGESTS_MAX) });
  t.ok(want.byteLength <= LAN_REQUEST_BYTES_MAX);
  t.equal(decodeRequest(want).type, 'want');
  refused(encodeRequest({ type: 'want', requestId: 1, digests: digests(LAN_WANT_DIGESTS_MAX + 1) }), 'a want for too much');
  refused(encodeRequest({ type: 'want', requestId: 1, digests: [] }), 'a want for nothing');
  refused(want.subarray(0, -1), 'a digest cut off');
  t.equal(decodeRequest(encodeRequest({ type: 'manifest', requestId: 1, root: A, have: digests(HAVE_ROOTS_MAX) })).type, 'manifest');
  refused(encodeRequest({ type: 'manifest', requestId: 1, root: A, have: digests(HAVE_ROOTS_MAX + 1) }), 'too many roots');
  const manifest = encodeRequest({ type: 'manifest', requestId: 1, root: A, have: digests(2) });
  refused(manifest.subarray(0, -32), 'fewer roots than announced');
  refused(Buffer.concat([manifest, Buffer.alloc(32)]), 'more roots than announced');
  refused(manifest.subarray(0, 5 + 32), 'no count');
  t.equal(decodeRequest(encodeRequest({ type: 'resolve', requestId: 1, ref: 'x'.repeat(LAN_REF_BYTES_MAX) })).type, 'resolve');
  refused(encodeRequest({ type: 'resolve', requestId: 1, ref: 'x'.repeat(LAN_REF_BYTES_MAX + 1) }), 'a name too long');
  refused(encodeRequest({ type: 'resolve', requestId: 1, ref: '' }), 'no name');
  refused(Buffer.from([1, 0, 0, 0, 0, 0xff, 0xfe]), 'a name that is not UTF-8');
  refused(Buffer.from([4, 0, 0, 0, 0, 0]), 'a cancel with more');
  refused(Buffer.from([9, 0, 0, 0, 0]), 'an unknown type');
  refused(Buffer.from([4, 0, 0, 0]), 'less than a head');
  refused(Buffer.of(), 'nothing');
});

await t.test('replies are believed no further than they go', async (t) => {
  const reply = (type: number, body: string | Uint8Array): Buffer => Buffer.concat([Buffer.from([type, 1, 0, 0, 0]), Buffer.from(body as string)]);
  const root = 'bafyr4if';
  for (const [what, bytes] of [
    ['a layer that is no object', reply(0x81, '7')],
    ['a layer without a root', reply(0x81, '{"name":"a","version":"1"}')],
    ['a layer whose root is no CID', reply(0x81, JSON.stringify({ name: 'a', version: '1', root, descriptor: root }))],
    ['what is not JSON', reply(0x81, '{')],
    ['too much JSON', reply(0x81, `"${'x'.repeat(20_000)}"`)],
    ['an empty frame', reply(0x82, '')],
    ['nothing missing', reply(0x83, '')],
    ['an end with more', reply(0x84, 'x')],
    ['an error without a message', reply(0x85, '{"code":"BC_BUSY"}')],
    ['an error that is null', reply(0x85, 'null')],
    ['an error with a pause that is none', reply(0x85, '{"code":"BC_BUSY","message":"x","retryAfterMs":-1}')],
    ['an unknown type', reply(0x99, '')],
  ] as const) {
    t.throws(() => decodeReply(bytes), { code: 'BC_PROTOCOL' }, what);
  }
  t.match(decodeReply(reply(0x85, '{"code":"BC_FROM_THE_FUTURE","message":"x"}')), { code: 'BC_PROTOCOL', message: 'x' }, 'a code that is not known yet');
  t.match(decodeReply(reply(0x85, '{"code":"toString","message":"x"}')), { code: 'BC_PROTOCOL' }, 'a name that every object has');
  const long = decodeReply(Buffer.concat(encodeReply({ type: 'error', requestId: 1, code: 'BC_INTERNAL', message: 'é'.repeat(5000) })));
  t.equal(long.type === 'error' ? long.message.length : 0, LAN_ERROR_MESSAGE_CHARS_MAX, 'a long message is cut, and still read');
});

await t.test('any bytes are a message or BC_PROTOCOL', async (t) => {
  const head = fc.constantFrom(1, 2, 3, 4, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0);
  const bytes = fc.tuple(head, fc.uint8Array({ maxLength: 200 })).map(([type, rest]) => Buffer.concat([Buffer.of(type), rest]));
  fc.assert(
    fc.property(bytes, (message) => {
      for (const decode of [decodeRequest, decodeReply]) {
        try {
          decode(message);
        } catch (error) {
          if (!hasCode(error, 'BC_PROTOCOL')) throw error;
        }
      }
    }),
    { seed: 20261121, numRuns: 3000 },
  );
  t.pass('3000 messages');
});
