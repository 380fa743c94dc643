/** An endpoint brings a directory to a layer whose chunks are in this process's memory: no network, no store. */
import { cpSync, existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { DEFAULT_CHUNKER_PARAMS } from '../../src/chunking/params.ts';
import { verifyTree } from '../../src/image/verify-tree.ts';
import { apply, capture, type MemoryLayer } from '../../test/unit/image/layer-in-memory.ts';
import type { Versions } from '../corpora/corpora.ts';
import type { BenchContext, Benchmark, Sample } from '../runner/benchmark.ts';
import { settled } from '../runner/settle.ts';

const CORPORA = ['app', 'small'] as const;
const UPDATE = 'update v1 to v2';
const COPY = 'cp -a of the changed files; sync';

export const benchmark: Benchmark = {
  name: 'apply',
  question: 'How fast is a layer assembled and switched in, first and as an update from what the endpoint has, and what is that beside `cp -a`? An apply flushes, so `cp` is followed by `sync -f`. `in force s`: until the directory is the new version, also after a power cut. `wall s`: until nothing of the old one is left, the spare is that of the new one, and it is noted what they look like.',
  diskBytes: 20e9,
  // Of the time that a user waits, and, as it has always been judged, of all that an update does.
  bounds: CORPORA.flatMap((table) => ([['inForceSeconds', 'until v2 is in force'], ['wallSeconds', 'until nothing of v1 is left']] as const).map(([metric, until]) => ({
    what: `${table} v2 over v1, ${until}: 1.5 x cp -a of the changed bytes + 2 s for 100,000 files`,
    value: { table, row: UPDATE, metric },
    atMost: [{ times: 1.5, table, row: COPY, metric: 'wallSeconds' }, { times: 2 / 100_000, table, row: UPDATE, metric: 'fileCount' }],
  }))),
  async run(context) {
    for (const name of CORPORA) await applyTable(context, name);
  },
};

async function applyTable(context: BenchContext, name: (typeof CORPORA)[number]): Promise<void> {
  const { corpora, dir, measure, child, table } = context;
  const { v1, v2 } = corpora.versions(name);
  const [old, now] = [await capture(v1, DEFAULT_CHUNKER_PARAMS), await capture(v2, DEFAULT_CHUNKER_PARAMS)];
  const place = join(dir, name);
  mkdirSync(place);
  const changed = join(place, 'changed');
  copyChanged({ v1, v2 }, changed);
  const target = (round: number): string => join(place, `target-${round}`);
  // Directories of all rounds stay: ext4 makes files slowly for minutes after many were deleted.
  const copy = (from: string, to: string): Promise<Sample> => child('sh', ['-c', 'cp -a "$1" "$2" && sync -f "$2"', 'sh', from, to]).then(({ sample }) => sample);
  const forgetLooks = (round: number): void => {
    for (const cache of ['stat-cache', 'spare-cache']) rmSync(join(place, `.target-${round}.branchcast`, cache));
  };
  const applied = async (round: number, layer: MemoryLayer, before?: MemoryLayer): Promise<Sample> => {
    let inForceSeconds = Number.NaN;
    const whole = await measure(async () => {
      const startedMs = performance.now();
      const { fetchedBytes } = await apply(target(round), layer, before, { onInForce: () => (inForceSeconds = (performance.now() - startedMs) / 1000) });
      return { fetchedBytes, fileCount: layer.stats.fileCount };
    });
    // Beside the whole.
    return { inForceSeconds, ...whole };
  };
  await table(name, [
    settled(context, target, { name: UPDATE, prepare: (round) => apply(target(round), old), run: (round) => applied(round, now, old) }),
    { name: 'first apply of v2', run: (round) => applied(round + 100, now) },
    { name: 'the same again', run: (round) => applied(round, now, now) },
    { name: 'repair, no stat cache', prepare: forgetLooks, run: (round) => applied(round, now, now) },
    { name: 'verify', run: (round) => measure(async () => void (await verifyTree(target(round), now.manifest))) },
    settled(context, () => changed, { name: COPY, role: 'peer', needs: 'cp', run: (round) => copy(changed, join(place, `changed-${round}`)) }),
    settled(context, () => v2, { name: 'cp -a of all of v2; sync', role: 'peer', needs: 'cp', run: (round) => copy(v2, join(place, `copy-${round}`)) }),
  ]);
}

/** The files of v2 whose bytes or link targets v1 has not at the same path. */
function copyChanged({ v1, v2 }: Versions, to: string): void {
  mkdirSync(to);
  for (const entry of readdirSync(v2, { recursive: true, withFileTypes: true })) {
    if (entry.isDirectory()) continue;
    const path = relative(v2, join(entry.parentPath, entry.name));
    const content = (root: string): Buffer => (entry.isSymbolicLink() ? readlinkSync(join(root, path), 'buffer') : readFileSync(join(root, path)));
    if (existsSync(join(v1, path)) && lstatSync(join(v1, path)).mode === lstatSync(join(v2, path)).mode && content(v1).equals(content(v2))) continue;
    mkdirSync(dirname(join(to, path)), { recursive: true });
    cpSync(join(v2, path), join(to, path), { preserveTimestamps: true, verbatimSymlinks: true });
  }
}
