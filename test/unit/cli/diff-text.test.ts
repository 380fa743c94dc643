import t from 'tap';
import type { Difference, DiffReport } from '../../../src/cli/diff-report.ts';
import { diffText } from '../../../src/cli/diff-text.ts';

const none = { added: 0, removed: 0, changed: 0, renamed: 0, metadata: 0 };
const renamed = (from: string, path: string, type: Difference['type'] = 'file', metadataChanged = false): Difference => ({ change: 'renamed', path, from, type, metadataChanged, ...(type === 'file' ? { sizeBytes: 1024 } : {}) });

function text(differences: readonly Difference[], changes: Partial<DiffReport> = {}, options: Parameters<typeof diffText>[1] = {}): string[] {
  return diffText({ counts: none, newChunkCount: 3, newChunkBytes: 4096, newStoredBytes: 2048, directories: [], differences, ...changes }, options).split('\n');
}

void t.test('a line a difference, then the sums', async (t) => {
  t.same(text([
    { change: 'added', path: 'a', type: 'file', sizeBytes: 5 },
    { change: 'removed', path: 'b', type: 'symlink' },
    { change: 'changed', path: 'c', type: 'file', sizeBytes: 2048, contentChanged: true },
    { change: 'changed', path: '.', type: 'directory', contentChanged: false },
    renamed('d', 'e', 'file', true),
  ], { counts: { added: 1, removed: 1, changed: 1, renamed: 1, metadata: 1 } }), [
    '+ a  5 B', '- b', '~ c  2.0 KiB', '~ .  (metadata)', '> d -> e  1.0 KiB  (and metadata)',
    '1 added, 1 removed, 1 changed, 1 renamed, 1 with other metadata only', 'to move: 3 chunks, 4.0 KiB, about 2.0 KiB compressed',
  ]);
});

void t.test('a directory that moved is one line; what went elsewhere stands by itself', async (t) => {
  const lines = text([
    renamed('old', 'new', 'directory'), renamed('old/a', 'new/a', 'directory', true), renamed('old/a/1', 'new/a/1'), renamed('old/a/to', 'new/a/to', 'symlink'),
    renamed('old/b', 'new/c'), renamed('other/d', 'new/d'), renamed('old/e', 'new/e', 'file', true),
    { change: 'added', path: 'new/f', type: 'file', sizeBytes: 1 },
    renamed('olda', 'newa'),
  ]);
  t.same(lines.slice(0, -2), ['> old/ -> new/  2 files, 2.0 KiB  (and metadata of 2)', '> old/b -> new/c  1.0 KiB', '> other/d -> new/d  1.0 KiB', '+ new/f  1 B', '> olda -> newa  1.0 KiB']);
});

void t.test('histogram and table', async (t) => {
  const directories = [
    { path: '.', counts: { ...none, removed: 1 }, newChunkBytes: 0 },
    { path: 'usr', counts: { added: 100, removed: 0, changed: 40, renamed: 60, metadata: 0 }, newChunkBytes: 4096 },
  ];
  t.same(text([renamed('a', 'b')], { directories }, { stat: true }).slice(0, -2), [
    ' .   |   1        0 B  -', ` usr | 200    4.0 KiB  ${'+'.repeat(25)}${'~'.repeat(10)}${'>'.repeat(15)}`,
  ]);
  t.same(text([], { directories }, { byDirectory: true }).slice(0, -2), [
    'DIRECTORY  ADDED  REMOVED  CHANGED  RENAMED  METADATA  TO MOVE', '.              0        1        0        0         0      0 B', 'usr          100        0       40       60         0  4.0 KiB',
  ]);
  t.equal(text([], {}, { stat: true }).length, 2);
});
