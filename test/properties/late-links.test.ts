/** Many small files of few lengths: whatever is edited in the layer and in the target, and wherever a process stops, the target becomes the layer. */
import { linkSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import t from 'tap';
import { openTarget } from '../../src/image/target.ts';
import { verifyTree } from '../../src/image/verify-tree.ts';
import { apply, capture, type MemoryLayer } from '../unit/image/layer-in-memory.ts';
import { scratchDirectory } from '../unit/image/scratch.ts';
import { directory, file, makeTree, noise, type DirectorySpec, type Spec } from '../unit/image/tree-spec.ts';

const SEED = 20261121;
const RUNS = 60;

// A machine with much else to do must not make this test fail.
t.setTimeout(300_000);

/** A file by its place; what it holds by its length and a seed. Few of each, so that equal files, and files changed to what comes next, are common. */
interface Small {
  readonly lengthBytes: number;
  readonly seed: number;
  readonly mode: number;
}

interface Edit {
  readonly at: number;
  readonly now: Small | 'gone' | 'further name';
}

/** A process that works on the target, and how far it gets. */
interface Attempt {
  readonly drifts: readonly Edit[];
  readonly to: 'before' | 'after';
  readonly chunkCount: number;
}

const small: fc.Arbitrary<Small> = fc.record({ lengthBytes: fc.constantFrom(20, 60), seed: fc.nat(30), mode: fc.constantFrom(0o644, 0o644, 0o755) });
const edit: fc.Arbitrary<Edit> = fc.record({ at: fc.nat(39), now: fc.oneof({ weight: 4, arbitrary: small }, { weight: 1, arbitrary: fc.constantFrom('gone' as const, 'further name' as const) }) });
const attempt: fc.Arbitrary<Attempt> = fc.record({ drifts: fc.array(edit, { maxLength: 3 }), to: fc.constantFrom('before' as const, 'after' as const, 'after' as const), chunkCount: fc.nat(8) });
const scenario = fc.record({ files: fc.array(small, { minLength: 20, maxLength: 40 }), edits: fc.array(edit, { minLength: 1, maxLength: 6 }), attempts: fc.array(attempt, { maxLength: 3 }), last: fc.array(edit, { maxLength: 2 }) });

const nameOf = (at: number): string => `f${String(at).padStart(2, '0')}`;

function treeOf(files: readonly Small[], edits: readonly Edit[]): DirectorySpec {
  const entries: Record<string, Spec> = {};
  const set = (at: number, { lengthBytes, seed, mode }: Small): void => void (entries[nameOf(at)] = file(noise(lengthBytes, seed), { mode }));
  for (const [at, each] of files.entries()) set(at, each);
  for (const { at, now } of edits) {
    if (now === 'gone') delete entries[nameOf(at)];
    else if (now !== 'further name') set(at, now);
    else if (entries[nameOf(0)]?.type === 'file' && at > 0) entries[nameOf(at)] = { type: 'hardlink', to: nameOf(0) };
  }
  return directory(entries);
}

/** Writes in place: other names of the inode change as well. */
function drift(dir: string, { at, now }: Edit): void {
  const path = join(dir, nameOf(at));
  if (now === 'gone') rmSync(path, { force: true });
  else if (now !== 'further name') writeFileSync(path, noise(now.lengthBytes, now.seed));
  else if (statSync(join(dir, nameOf(at ^ 1)), { throwIfNoEntry: false }) !== undefined) {
    rmSync(path, { force: true });
    linkSync(join(dir, nameOf(at ^ 1)), path);
  }
}

/** As far as a process gets that is killed before the switch. */
async function begin(dir: string, layer: MemoryLayer, before: MemoryLayer, chunkCount: number): Promise<void> {
  const target = await openTarget(dir);
  try {
    const staging = await target.stage(layer.manifest, before.manifest);
    if (staging === undefined) return;
    if (chunkCount % 2 === 0) await staging.seed();
    await staging.writeAll(staging.wanted().slice(0, chunkCount).map(({ digest }) => ({ digest, bytes: layer.chunks.get(digest) ?? new Uint8Array() })));
  } finally {
    await target.close();
  }
}

void t.test('the target becomes the layer', async (t) => {
  const base = scratchDirectory(t);
  let run = 0;
  await fc.assert(
    fc.asyncProperty(scenario, async ({ files, edits, attempts, last }) => {
      run += 1;
      const at = (part: string): string => join(base, String(run), part);
      mkdirSync(join(base, String(run)));
      makeTree(at('v1'), treeOf(files, []));
      makeTree(at('v2'), treeOf(files, edits));
      const [v1, v2] = [await capture(at('v1')), await capture(at('v2'))];
      const target = at('target');
      await apply(target, v1);
      for (const { drifts, to, chunkCount } of attempts) {
        for (const each of drifts) drift(target, each);
        await begin(target, to === 'after' ? v2 : v1, v1, chunkCount);
      }
      for (const each of last) drift(target, each);
      for (const [layer, before] of [
        [v2, v1],
        [v1, v2],
      ] as const) {
        await apply(target, layer, before);
        const { differences } = await verifyTree(target, layer.manifest);
        if (differences.length > 0) throw new Error(JSON.stringify(differences));
        if ((await capture(target)).root !== layer.root) throw new Error('another root');
      }
    }),
    { seed: SEED, numRuns: RUNS },
  );
  t.ok(run >= RUNS);
});
