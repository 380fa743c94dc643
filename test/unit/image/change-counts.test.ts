import t from 'tap';
import { CHANGE_EFFECTS, ChangeTally, effectOf } from '../../../src/image/change-counts.ts';
import { hash } from '../../../src/chunking/hash.ts';
import { diffManifests } from '../../../src/manifest/diff.ts';
import type { Entry, FileEntry } from '../../../src/manifest/entry.ts';
import { keyFromPath } from '../../../src/manifest/key.ts';
import { BlockMap } from '../../doubles/block-map.ts';

const META = { mode: 0o644, uid: 0, gid: 0, mtimeSeconds: 1000, mtimeNanos: 5 };
const file = (content: string, more: Partial<FileEntry> = {}, offsetBytes = 0): FileEntry => ({
  type: 'file', key: keyFromPath('f'), ...META, sizeBytes: 10,
  content: { pieces: [{ digest: hash(Buffer.from(content)), chunkBytes: 40, offsetBytes, lengthBytes: 10 }] }, ...more,
});
const changed = (before: Entry, after: Entry): { kind: 'changed'; before: Entry; after: Entry; contentChanged: boolean } => ({ kind: 'changed', before, after, contentChanged: true });

void t.test('what becomes of an entry', (t) => {
  const older = file('b', { mtimeNanos: 4 });
  t.equal(effectOf({ kind: 'added', after: file('a'), contentChanged: true }), 'added');
  t.equal(effectOf({ kind: 'removed', before: file('a'), contentChanged: true }), 'removed');
  t.equal(effectOf({ kind: 'changed', before: file('a'), after: file('a', { mode: 0o600 }), contentChanged: false }), 'metadata');
  t.equal(effectOf(changed(file('a'), older)), 'downgraded', 'by a nanosecond');
  t.equal(effectOf(changed(older, file('a'))), 'updated');
  t.equal(effectOf(changed(file('a', { mtimeSeconds: 2000, mtimeNanos: 0 }), file('b'))), 'downgraded', 'seconds count first');
  t.equal(effectOf(changed(file('a'), file('b'))), 'unsure', 'a small file of the same size and time');
  t.equal(effectOf(changed(file('a'), file('b', { sizeBytes: 11, content: { pieces: [{ digest: hash(Buffer.from('b')), chunkBytes: 40, offsetBytes: 0, lengthBytes: 11 }] } }))), 'updated', 'another size');
  const whole = (content: string): FileEntry => file(content, { content: { pieces: [{ digest: hash(Buffer.from(content)), chunkBytes: 10, offsetBytes: 0, lengthBytes: 10 }] } });
  t.equal(effectOf(changed(whole('a'), whole('b'))), 'updated', 'whole chunks tell');
  t.equal(effectOf(changed(file('a'), { type: 'directory', key: keyFromPath('f'), ...META, mtimeSeconds: 1 })), 'updated', 'of another type');
  t.end();
});

void t.test('each change counts once', async (t) => {
  const blocks = new BlockMap();
  const root: Entry = { type: 'directory', key: keyFromPath(''), ...META };
  const named = (name: string, entry: FileEntry): FileEntry => ({ ...entry, key: keyFromPath(name) });
  const before = blocks.build([root, named('a', file('a')), named('b', file('b')), named('c', file('c')), named('d', file('d')), named('e', file('e'))]);
  const after = blocks.build([root, named('b', file('x')), named('c', file('y', { mtimeSeconds: 1 })), named('d', file('d', { uid: 7 })), named('e', file('e')), named('f', file('f'))]);
  const tally = new ChangeTally();
  for await (const change of diffManifests(blocks.manifest(before.root), blocks.manifest(after.root))) tally.add(change);
  t.same(tally.counts, { added: 1, updated: 0, downgraded: 1, removed: 1, metadata: 1, unsure: 1 });
  t.same(Object.keys(tally.counts), CHANGE_EFFECTS);
});
