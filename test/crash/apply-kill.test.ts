/** kill -9 at any call on the file system: the target is one whole layer or the other, and the next process goes on. */
import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { verifyTree } from '../../src/image/verify-tree.ts';
import { openTarget } from '../../src/image/target.ts';
import { apply, capture, type MemoryLayer } from '../unit/image/layer-in-memory.ts';
import { scratchDirectory } from '../unit/image/scratch.ts';
import { directory, file, makeTree, noise, type DirectorySpec, type Spec } from '../unit/image/tree-spec.ts';

const KILLS = 45;
const SEED = 11;
/** Kills of one update. */
const ATTEMPTS = 8;

// Far more than it takes; a machine with much else to do must not make this test fail.
t.setTimeout(600_000);

/** Two versions with every kind of change, and enough files that most steps are in the middle of something. */
function version(number: number): DirectorySpec {
  const stays: Record<string, Spec> = {};
  const changes: Record<string, Spec> = {};
  // Some of each bundle change: the others are told by their bytes.
  const bundled: Record<string, Spec> = {};
  for (let at = 0; at < 60; at += 1) bundled[`b${at}`] = file(noise(50, at % 8 === 0 ? at * 10 + number : at));
  for (let at = 0; at < 30; at += 1) {
    stays[`s${at}`] = file(noise(at * 100, at), { mtime: [1_700_000_000, at] });
    changes[`c${at}`] = file(noise(200 + at * 300, at * 10 + number), at % 3 === 0 ? { mode: 0o755 } : {});
  }
  return directory({
    stays: directory(stays, { mode: 0o555 }),
    changes: directory(changes),
    bundled: directory(bundled),
    large: file(noise(60_000, number)),
    touched: file(noise(3000, 7), { mtime: [1_600_000_000 + number, 5] }),
    [`moved-${number}`]: directory({ big: file(noise(50_000, 99)), small: file('as it was') }),
    kind: number === 1 ? file('a file') : directory({ below: file('below') }),
    link: { type: 'symlink', target: number === 1 ? 'large' : 'stays/s3' },
    'z-hard': { type: 'hardlink', to: number === 1 ? 'large' : 'touched' },
  });
}

void t.test(`kill -9, ${KILLS} times`, async (t) => {
  const work = scratchDirectory(t);
  const layers: MemoryLayer[] = [];
  mkdirSync(join(work, 'blocks'));
  for (const number of [1, 2]) {
    makeTree(join(work, `v${number}`), version(number));
    const layer = await capture(join(work, `v${number}`));
    layers.push(layer);
    for (const [digest, bytes] of [...layer.chunks, ...layer.nodes]) writeFileSync(join(work, 'blocks', digest), bytes);
  }
  const [v1, v2] = layers as [MemoryLayer, MemoryLayer];
  const target = join(work, 'target');
  await apply(target, v1);

  let state = SEED;
  const random = (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return 1 + Math.floor((state / 2 ** 32) * below);
  };
  // How many calls a whole update takes.
  const steps = Number((await run([work, v2.root, '0', '0'])).output);
  t.ok(steps > 300, `an update takes ${steps} calls`);
  let kills = 0;
  let updates = 1;
  let twice = 0;
  let chunks = 0;
  let [from, to] = [v2, v1];
  while (kills < KILLS) {
    writeFileSync(join(work, 'written'), '');
    for (let attempt = 1; ; attempt += 1) {
      // Now and then a process is let through, so that what was resumed is also finished.
      const { killed } = await run([work, to.root, String(updates), String(attempt % ATTEMPTS === 0 ? 0 : random(steps))]);
      if (killed) kills += 1;
      await checkWhole(t, target, from, to);
      if (!killed) break;
    }
    updates += 1;
    const written = readFileSync(join(work, 'written'), 'utf8').match(/.{64}/g) ?? [];
    twice += written.length - new Set(written).size;
    chunks += new Set(written).size;
    const { differences } = await verifyTree(target, to.manifest);
    t.same(differences, [], `update ${updates}: the target is the layer`);
    t.equal((await capture(target)).root, to.root);
    t.same(readdirSync(join(work, '.target.branchcast')).sort(), ['lock', 'owner.json', 'spare', 'spare-cache', 'stat-cache'], 'nothing is left of the old tree, or of a stage');
    [from, to] = [to, from];
  }
  t.comment(`${kills} kills, ${updates} updates, ${chunks} chunks, ${twice} of them written twice`);
  t.ok(twice <= kills, 'a kill costs no more than the chunk under way');
  const last = await openTarget(target);
  t.equal(last.current()?.root, from.root);
  await last.close();
});

/** One of the two, whole: only metadata may lag behind, until the next process. */
async function checkWhole(t: { fail(message: string): void }, target: string, from: MemoryLayer, to: MemoryLayer): Promise<void> {
  const lag = new Set(['mode', 'mtime', 'owner']);
  const wrong: string[] = [];
  for (const layer of [from, to]) {
    const { differences } = await verifyTree(target, layer.manifest);
    const other = differences.filter(({ kind }) => !lag.has(kind));
    if (other.length === 0) return;
    wrong.push(JSON.stringify(other.slice(0, 3)));
  }
  t.fail(`the target is neither layer: ${wrong.join(' | ')}`);
}

async function run(parameters: readonly string[]): Promise<{ readonly killed: boolean; readonly output: string }> {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [join(import.meta.dirname, 'apply.child.ts'), ...parameters], (error, output, errors) => {
      if (error === null) resolve({ killed: false, output });
      else if (error.signal === 'SIGKILL') resolve({ killed: true, output });
      else reject(new Error(`the child failed: ${errors}`));
    });
  });
}
