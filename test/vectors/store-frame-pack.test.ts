/** Golden vectors of frame and pack: later versions must still read them, and write stored frames, headers and footers like them. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { decodeFrame } from '../../src/store/frame-decode.ts';
import { encodeFrame } from '../../src/store/frame-encode.ts';
import { openPackChunkStore } from '../../src/store/pack-chunk-store.ts';
import { chunkOf } from '../unit/store/chunks.ts';

const text = readFileSync(new URL('store-frame-pack.hex', import.meta.url), 'utf8');
const vectors = new Map(text.split(/^\[/m).slice(1).map((section) => {
  const [name, ...lines] = section.split('\n') as [string, ...string[]];
  return [name.replace(']', ''), Buffer.from(lines.map((line) => line.replace(/#.*/, '').replaceAll(' ', '')).join(''), 'hex')];
}));
const vector = (name: string): Buffer => vectors.get(name) as Buffer;

const small = [chunkOf(Buffer.from([0])), chunkOf(Buffer.from([0, 1, 2]))];
const words = [chunkOf(Buffer.alloc(64, 'branchcast ')), chunkOf(Buffer.alloc(64, 'layer '))];
const pack = Buffer.concat([vector('pack header'), vector('frame stored'), vector('frame zstd'), vector('pack footer')]);
const PACK_ID = '0190000000000001';

await t.test('frames', async (t) => {
  t.equal(Buffer.from(encodeFrame(small)).toString('hex'), vector('frame stored').toString('hex'));
  t.same(decodeFrame(vector('frame stored')), small);
  t.same(decodeFrame(vector('frame zstd')), words);
});

await t.test('a sealed pack is read as it is', async (t) => {
  const dir = t.testdir();
  mkdirSync(join(dir, 'packs'));
  writeFileSync(join(dir, 'packs', `${PACK_ID}.pack`), pack);
  const store = await openPackChunkStore({ dir });
  for (const { digest, bytes } of [...small, ...words]) t.same(Buffer.from((await store.get(digest)) ?? []), bytes);
  t.match(store.stats(), { chunkCount: 4, frameCount: 2, packCount: 1, storedBytes: pack.byteLength });
  await store.close();
  t.same(readFileSync(join(dir, 'packs', `${PACK_ID}.pack`)), pack);
});

await t.test('a pack is written like it', async (t) => {
  const dir = t.testdir();
  // The third frame does not fit: the pack with the first two is sealed.
  const store = await openPackChunkStore({ dir, packBytesTarget: pack.byteLength + 12 });
  await store.put([vector('frame stored'), vector('frame zstd'), encodeFrame([chunkOf(Buffer.from('one more'))])]);
  await store.close();
  const written = readdirSync(join(dir, 'packs')).sort();
  t.match(written, [/^[0-9a-f]{16}\.pack$/, /^[0-9a-f]{16}\.pack$/]);
  t.equal(readFileSync(join(dir, 'packs', written[0] as string)).toString('hex'), pack.toString('hex'));
});
