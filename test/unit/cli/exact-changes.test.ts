import t from 'tap';
import { hash } from '../../../src/chunking/hash.ts';
import type { Digest } from '../../../src/chunking/digest.ts';
import { exactChanges } from '../../../src/cli/exact-changes.ts';
import type { ManifestChange } from '../../../src/manifest/change.ts';
import type { FileEntry } from '../../../src/manifest/entry.ts';
import { keyFromPath } from '../../../src/manifest/key.ts';
import { encodeFrame } from '../../../src/store/frame-encode.ts';

/** Two bundles: `hello` stands in both, at other places. */
const before = Buffer.from('aaaa-hello-tail');
const after = Buffer.from('bb-hello-other');
const digests = { before: hash(before), after: hash(after) };

function file(name: string, bundle: 'before' | 'after', offsetBytes: number, lengthBytes: number, changes: Partial<FileEntry> = {}): FileEntry {
  const chunkBytes = { before, after }[bundle].byteLength;
  return {
    type: 'file', key: keyFromPath(name), mode: 0o644, uid: 0, gid: 0, mtimeSeconds: 1, mtimeNanos: 0, sizeBytes: lengthBytes,
    content: { pieces: [{ digest: digests[bundle], chunkBytes, offsetBytes, lengthBytes }] }, ...changes,
  };
}

function changed(old: FileEntry, now: FileEntry): ManifestChange {
  return { kind: 'changed', before: old, after: now, contentChanged: true };
}

let asked: Digest[] = [];
async function* fetchChunks(wanted: readonly Digest[]): AsyncGenerator<Uint8Array> {
  asked.push(...wanted);
  yield encodeFrame([{ digest: digests.before, bytes: before }, { digest: digests.after, bytes: after }]);
}

async function exact(changes: readonly ManifestChange[], fetch = fetchChunks): Promise<ManifestChange[]> {
  asked = [];
  const found: ManifestChange[] = [];
  for await (const change of exactChanges((async function* () { yield* changes; })(), fetch)) found.push(change);
  return found;
}

const same = changed(file('same', 'before', 5, 5), file('same', 'after', 3, 5));

await t.test('a file that only moved to another chunk is no change', async (t) => {
  t.strictSame(await exact([same]), []);
  t.strictSame(new Set(asked), new Set([digests.before, digests.after]), 'each chunk is asked for once');
  t.equal(asked.length, 2);
});

await t.test('the same bytes under other metadata', async (t) => {
  const touched = changed(file('touched', 'before', 5, 5), file('touched', 'after', 3, 5, { mtimeSeconds: 2 }));
  t.match(await exact([touched]), [{ kind: 'changed', contentChanged: false }]);
});

await t.test('other bytes of one size, with one fixed time as npm packs them', async (t) => {
  const edited = changed(file('edited', 'before', 0, 4), file('edited', 'after', 0, 4));
  t.strictSame(await exact([edited]), [edited]);
});

await t.test('what needs no look is passed on, in order', async (t) => {
  const grown = changed(file('grown', 'before', 0, 4), file('grown', 'after', 0, 5));
  const added: ManifestChange = { kind: 'added', after: file('new', 'after', 0, 2), contentChanged: true };
  const large = changed(file('large', 'before', 0, 4, { content: { list: digests.before } }), file('large', 'after', 0, 4, { content: { list: digests.after } }));
  t.strictSame(await exact([added, grown, large]), [added, grown, large]);
  t.strictSame(asked, []);
  t.strictSame(await exact([added, same, grown]), [added, grown]);
});

await t.test('a chunk that does not come leaves the change standing; a lying one is refused', async (t) => {
  t.strictSame(await exact([same], async function* () {}), [same]);
  const lie = async function* (): AsyncGenerator<Uint8Array> {
    yield encodeFrame([{ digest: digests.before, bytes: after }]);
  };
  await t.rejects(exact([same], lie), { code: 'BC_CHUNK_CORRUPT' });
});

await t.test('many small files are compared in batches', async (t) => {
  const many = Array.from({ length: 1000 }, () => same);
  t.strictSame(await exact(many), []);
  t.ok(asked.length > 2 && asked.length < 100);
});
