import * as fc from 'fast-check';
import t from 'tap';
import { Bundler } from '../../src/chunking/bundler.ts';
import { DEFAULT_CHUNKER_PARAMS } from '../../src/chunking/params.ts';

interface SmallFile {
  readonly bytes: number;
  readonly hit: boolean;
}

const SEED = 20_200_716;
const { minBytes, avgBytes, maxBytes, smallFileBytesMax } = DEFAULT_CHUNKER_PARAMS;

/** A file hits about as often as its bytes would: once in avgBytes. */
const smallFile: fc.Arbitrary<SmallFile> = fc
  .record({ bytes: fc.oneof(fc.integer({ min: 1, max: 3000 }), fc.integer({ min: 1, max: smallFileBytesMax })), draw: fc.integer({ min: 0, max: avgBytes - 1 }) })
  .map(({ bytes, draw }) => ({ bytes, hit: draw < bytes }));
const tree = fc.array(smallFile, { minLength: 1, maxLength: 400, size: 'max' });

/** Indices of the files with which bundles begin, and the end of the tree. */
function bundleStarts(files: readonly SmallFile[]): number[] {
  const bundler = new Bundler(DEFAULT_CHUNKER_PARAMS);
  const starts: number[] = [];
  let isOpen = false;
  for (const [index, { bytes, hit }] of files.entries()) {
    const { closesBefore, closesAfter } = bundler.add(bytes, hit);
    if (closesBefore || !isOpen) starts.push(index);
    isOpen = !closesAfter;
  }
  return [...starts, files.length];
}

void t.test('bundles are as the format says', (t) => {
  fc.assert(
    fc.property(tree, (files) => {
      const starts = bundleStarts(files);
      for (const [number, start] of starts.slice(0, -1).entries()) {
        const end = starts[number + 1] ?? files.length;
        const bundle = files.slice(start, end);
        const bundleBytes = sum(bundle);
        const next = files[end];
        t.ok(bundleBytes <= maxBytes);
        t.ok(bundle.slice(0, -1).every((file, index) => !file.hit || sum(bundle.slice(0, index + 1)) < minBytes), 'no earlier file ended it');
        const isEndedByHit = (bundle.at(-1)?.hit ?? false) && bundleBytes >= minBytes;
        t.ok(isEndedByHit || next === undefined || bundleBytes + next.bytes > maxBytes, 'something ended it');
      }
    }),
    { seed: SEED, numRuns: 60 },
  );
  t.end();
});

void t.test('offsets are where the bytes stand', (t) => {
  fc.assert(
    fc.property(tree, (files) => {
      const bundler = new Bundler(DEFAULT_CHUNKER_PARAMS);
      const starts = new Set(bundleStarts(files));
      let offset = 0;
      for (const [index, { bytes, hit }] of files.entries()) {
        if (starts.has(index)) offset = 0;
        t.equal(bundler.add(bytes, hit).offsetBytes, offset);
        offset += bytes;
      }
    }),
    { seed: SEED, numRuns: 20 },
  );
  t.end();
});

void t.test('an edit changes its bundle and neighbours, and everything after the next common end is as before', (t) => {
  let changedBundles = 0;
  let edits = 0;
  fc.assert(
    fc.property(tree, fc.nat(), smallFile, fc.constantFrom('replace', 'insert', 'remove'), (files, place, file, edit) => {
      const at = place % files.length;
      const removed = edit === 'insert' ? 0 : 1;
      const added = edit === 'remove' ? [] : [file];
      const before = bundleStarts(files);
      const after = bundleStarts([...files.slice(0, at), ...added, ...files.slice(at + removed)]);
      const shift = added.length - removed;

      // Bundles that had ended before the file came do not depend on it, but for the one that it might have been too large for.
      const settled = before.filter((start) => start < at);
      t.strictSame(after.filter((start) => start < at), settled);

      // From the first end after the edit on which both agree, they agree on all.
      const later = new Set(before.filter((start) => start > at).map((start) => start + shift));
      const common = after.find((start) => start >= at + added.length && later.has(start)) ?? Number.POSITIVE_INFINITY;
      t.strictSame(after.filter((start) => start >= common), before.map((start) => start + shift).filter((start) => start >= common));

      edits += 1;
      changedBundles += after.filter((start) => start < common && start >= (settled.at(-1) ?? 0)).length;
    }),
    { seed: SEED, numRuns: 300 },
  );
  t.ok(edits === 300 && changedBundles / edits < 3, `${changedBundles / edits} bundles an edit`);
  t.end();
});

function sum(files: readonly SmallFile[]): number {
  return files.reduce((total, { bytes }) => total + bytes, 0);
}
