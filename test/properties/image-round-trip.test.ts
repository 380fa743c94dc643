/** Any tree survives capture and apply; any tree becomes any other one. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import t from 'tap';
import { InodeWorkers } from '../../src/image/inode-workers.ts';
import { removeTree } from '../../src/image/remove-tree.ts';
import { verifyTree } from '../../src/image/verify-tree.ts';
import { apply, capture } from '../unit/image/layer-in-memory.ts';
import { scratchDirectory } from '../unit/image/scratch.ts';
import { directory, makeTree, noise, type DirectorySpec, type FileSpec, type Spec } from '../unit/image/tree-spec.ts';

const SEED = 20261121;
const RUNS = 60;

// A machine with much else to do must not make this test fail.
t.setTimeout(300_000);

const name = fc.constantFrom('a', 'b', 'c', 'a-b', 'a b', 'ab', '\xff\xfe', 'd\n');
const mtime = fc.constantFrom<readonly [number, number]>([1_700_000_000, 1], [1_600_000_000, 999_999_999], [-7, 250_000_000], [0, 0]);
const content = fc.oneof(
  fc.constant(new Uint8Array()),
  fc.record({ lengthBytes: fc.integer({ min: 1, max: 300 }), seed: fc.nat(5) }).map(({ lengthBytes, seed }) => noise(lengthBytes, seed)),
  fc.record({ lengthBytes: fc.integer({ min: 500, max: 90_000 }), seed: fc.nat(3) }).map(({ lengthBytes, seed }) => noise(lengthBytes, seed)),
);
const file: fc.Arbitrary<FileSpec> = fc.record({ type: fc.constant('file' as const), content, mode: fc.constantFrom(0o644, 0o755, 0o600, 0o4755, 0o444, ...(process.getuid?.() === 0 ? [0] : [])), mtime });
const symlink: fc.Arbitrary<Spec> = fc.record({ type: fc.constant('symlink' as const), target: fc.constantFrom('a', '../a', '/nowhere', '\xff', '..') });
const fifo: fc.Arbitrary<Spec> = fc.constant({ type: 'fifo' });

function tree(depth: number): fc.Arbitrary<DirectorySpec> {
  const child: fc.Arbitrary<Spec> =
    depth === 0
      ? fc.oneof(file, symlink)
      : fc.oneof({ weight: 5, arbitrary: file }, { weight: 1, arbitrary: symlink }, { weight: 1, arbitrary: fifo }, { weight: 4, arbitrary: tree(depth - 1) });
  return fc.record({ type: fc.constant('directory' as const), entries: fc.dictionary(name, child, { maxKeys: 6, noNullPrototype: true }), mode: fc.constantFrom(0o755, 0o555, 0o700, 0o1777), mtime });
}

/** Each name from either tree; where both have a directory, further in. */
function merged(a: DirectorySpec, b: DirectorySpec, choices: Iterator<boolean>): DirectorySpec {
  const entries: Record<string, Spec> = {};
  for (const key of new Set([...Object.keys(a.entries), ...Object.keys(b.entries)])) {
    const [one, other] = [a.entries[key], b.entries[key]];
    const chosen = one?.type === 'directory' && other?.type === 'directory' ? merged(one, other, choices) : choices.next().value === true ? one : other;
    if (chosen !== undefined) entries[key] = chosen;
  }
  return { ...(choices.next().value === true ? a : b), entries };
}

/** Renames what `from` names in the root directory. */
function renamed(spec: DirectorySpec, from: string, to: string): DirectorySpec {
  const { [from]: moved, ...rest } = spec.entries;
  return moved === undefined ? spec : { ...spec, entries: { ...rest, [to]: moved } };
}

/** Every n-th file but the first becomes a further name of the first. */
function withHardlinks(spec: DirectorySpec, every: number): DirectorySpec {
  let count = 0;
  let first: string | undefined;
  const visit = (node: Spec, path: string): Spec => {
    if (node.type === 'directory') {
      const entries: Record<string, Spec> = {};
      for (const key of Object.keys(node.entries).sort()) {
        const child = node.entries[key];
        if (child !== undefined) entries[key] = visit(child, path === '' ? key : `${path}/${key}`);
      }
      return { ...node, entries };
    }
    if (node.type !== 'file') return node;
    count += 1;
    if (first === undefined) first = path;
    else if (count % every === 0) return { type: 'hardlink', to: first };
    return node;
  };
  const linked = visit(spec, '');
  return linked.type === 'directory' ? linked : spec;
}

const version = fc.record({ a: tree(2), b: tree(2), bits: fc.array(fc.boolean(), { minLength: 40, maxLength: 40 }), every: fc.integer({ min: 2, max: 5 }), from: name, to: name });

function* cycle(bits: readonly boolean[]): Generator<boolean, boolean, undefined> {
  for (;;) yield* bits;
}

void t.test('any tree becomes any other one, and its capture has the same root', async (t) => {
  const base = scratchDirectory(t);
  let run = 0;
  await fc.assert(
    fc.asyncProperty(version, async ({ a, b, bits, every, from, to }) => {
      run += 1;
      const at = (part: string): string => join(base, String(run), part);
      mkdirSync(join(base, String(run)));
      const first = withHardlinks(a, every);
      const second = withHardlinks(renamed(merged(a, b, cycle(bits)), from, to), every + 1);
      makeTree(at('v1'), first);
      makeTree(at('v2'), second);
      const [v1, v2] = [await capture(at('v1')), await capture(at('v2'))];
      for (const [layer, before] of [
        [v1, undefined],
        [v2, v1],
        [v1, v2],
      ] as const) {
        // With threads every second time.
        await apply(at('target'), layer, before, run % 2 === 0 ? { inodesDoneHere: 0 } : {});
        const again = await capture(at('target'));
        const { differences } = await verifyTree(at('target'), layer.manifest);
        if (differences.length > 0) throw new Error(JSON.stringify(differences));
        if (again.root !== layer.root) throw new Error('another root');
      }
      if ((await apply(at('target'), v1, v1)).changed) throw new Error('nothing had changed, yet it was applied again');
      await removeTree(Buffer.from(join(base, String(run))), new InodeWorkers());
    }),
    { seed: SEED, numRuns: RUNS },
  );
  t.ok(run >= RUNS);
});

void t.test('an empty tree is a tree', async (t) => {
  const base = scratchDirectory(t);
  makeTree(join(base, 'source'), directory({}));
  const layer = await capture(join(base, 'source'));
  await apply(join(base, 'target'), layer);
  t.equal((await capture(join(base, 'target'))).root, layer.root);
  t.equal(layer.stats.entryCount, 1);
});
