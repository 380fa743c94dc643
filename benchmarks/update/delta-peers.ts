/** The ways in which others bring v1 to v2, each with the bytes that it moves. A row's cost is that of making the update. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Versions } from '../corpora/corpora.ts';
import { casync } from '../peers/backup-store.ts';
import { storedBytes } from '../peers/stored-bytes.ts';
import type { BenchContext, Contender, Sample } from '../runner/benchmark.ts';
import type { PeerName } from '../runner/peers.ts';
import { RangeServer } from './range-server.ts';

export const OSTREE = 'ostree static delta';
export const XDELTA3 = 'xdelta3 -1 on tars';
export const ZSTD_PATCH = 'zstd -3 --long=31 --patch-from on tars';

export interface DeltaPlaces {
  /** Where a round may write; there is one for each row. */
  readonly dir: string;
  readonly trees: Versions;
  readonly tars: Versions;
}

interface DeltaPeer {
  readonly name: string;
  readonly tool: PeerName;
  readonly prepare?: (context: BenchContext, places: DeltaPlaces) => Promise<void>;
  readonly make: (context: BenchContext, places: DeltaPlaces) => Promise<Sample>;
}

const PEERS: readonly DeltaPeer[] = [
  { name: ZSTD_PATCH, tool: 'zstd', make: (context, { dir, tars }) => sized(context, join(dir, 'delta'), 'zstd', ['-q', '-3', '--long=31', `--patch-from=${tars.v1}`, tars.v2, '-o', join(dir, 'delta')]) },
  { name: XDELTA3, tool: 'xdelta3', make: (context, { dir, tars }) => sized(context, join(dir, 'delta'), 'xdelta3', ['-1', '-q', '-B', '1073741824', '-e', '-s', tars.v1, tars.v2, join(dir, 'delta')]) },
  {
    name: 'rdiff on tars',
    tool: 'rdiff',
    prepare: async ({ child }, { dir, tars }) => void (await child('rdiff', ['signature', tars.v1, join(dir, 'signature')])),
    make: (context, { dir, tars }) => sized(context, join(dir, 'delta'), 'rdiff', ['delta', join(dir, 'signature'), tars.v2, join(dir, 'delta')]),
  },
  { name: 'rsync -z', tool: 'rsync', make: rsync },
  { name: 'casync, with a seed', tool: 'casync', prepare: casyncPrepare, make: casyncChunks },
  { name: 'zsync on tars', tool: 'zsync', prepare: zsyncPrepare, make: zsync },
];

const OSTREE_PEER: DeltaPeer = { name: OSTREE, tool: 'ostree', prepare: ostreePrepare, make: ostree };

/** ostree takes minutes where large files changed: `withOstree` says whether it is asked. */
export function deltaRows(context: BenchContext, label: string, trees: Versions, tars: Versions, withOstree: boolean): Contender[] {
  return (withOstree ? [OSTREE_PEER, ...PEERS] : PEERS).map(({ name, tool, prepare, make }): Contender => {
    const places = (round: number): DeltaPlaces => ({ dir: join(context.dir, `${label} ${name} ${round}`.replaceAll(/[^\w]+/g, '-')), trees, tars });
    return {
      name,
      role: 'peer',
      needs: tool,
      prepare: async (round) => {
        mkdirSync(places(round).dir);
        await prepare?.(context, places(round));
      },
      run: (round) => make(context, places(round)),
    };
  });
}

async function sized({ child }: BenchContext, file: string, command: string, args: readonly string[]): Promise<Sample> {
  const { sample } = await child(command, args);
  return { ...sample, wireBytes: storedBytes(file) };
}

/** What it says it sent and received; by content, since times say nothing here. */
async function rsync({ child }: BenchContext, { dir, trees }: DeltaPlaces): Promise<Sample> {
  const target = join(dir, 'target');
  await child('cp', ['-a', trees.v1, target]);
  const { sample, stdout } = await child('rsync', ['-a', '-z', '-c', '--delete', '--no-whole-file', '--stats', `${trees.v2}/`, `${target}/`]);
  const bytes = (what: string): number => Number(new RegExp(`^Total bytes ${what}: ([\\d,]+)$`, 'm').exec(stdout)?.[1]?.replaceAll(',', ''));
  return { ...sample, wireBytes: bytes('sent') + bytes('received') };
}

async function casyncPrepare(context: BenchContext, { dir, trees }: DeltaPlaces): Promise<void> {
  await casync().init(context, dir);
  await casync().add(context, dir, trees.v1, '1');
}

/** A store that has v1 grows by what a holder of v1 lacks. */
async function casyncChunks(context: BenchContext, { dir, trees }: DeltaPlaces): Promise<Sample> {
  const before = storedBytes(join(dir, 'store.castr'));
  const { sample } = await casync().add(context, dir, trees.v2, '2');
  return { ...sample, wireBytes: storedBytes(join(dir, 'store.castr')) - before + storedBytes(join(dir, 'indexes', '2.caidx')) };
}

async function zsyncPrepare({ child }: BenchContext, { dir, tars }: DeltaPlaces): Promise<void> {
  await child('zsyncmake', ['-u', 'v2.tar', '-o', join(dir, 'v2.zsync'), tars.v2]);
}

/** zsync fetches by HTTP: a small server of ranges stands in. */
async function zsync(context: BenchContext, { dir, tars }: DeltaPlaces): Promise<Sample> {
  const server = await RangeServer.start(tars.v2);
  try {
    const control = readFileSync(join(dir, 'v2.zsync'));
    const headEnd = control.indexOf('\n\n');
    writeFileSync(join(dir, 'here.zsync'), Buffer.concat([Buffer.from(control.subarray(0, headEnd).toString('latin1').replace(/^URL: .*$/m, `URL: ${server.url}`), 'latin1'), control.subarray(headEnd)]));
    const { sample } = await context.child('zsync', ['-q', '-i', tars.v1, '-o', join(dir, 'result.tar'), join(dir, 'here.zsync')], { cwd: dir });
    return { ...sample, wireBytes: server.sentBytes + control.length };
  } finally {
    await server.close();
  }
}

async function ostreePrepare({ child }: BenchContext, { dir, trees }: DeltaPlaces): Promise<void> {
  const repo = `--repo=${join(dir, 'repo')}`;
  await child('ostree', [repo, 'init', '--mode=bare-user-only']);
  for (const [version, tree] of Object.entries(trees)) await child('ostree', [repo, 'commit', '--branch', version, '--canonical-permissions', `--tree=dir=${tree}`]);
}

async function ostree({ child }: BenchContext, { dir }: DeltaPlaces): Promise<Sample> {
  const file = join(dir, 'delta');
  const { sample } = await child('ostree', [`--repo=${join(dir, 'repo')}`, 'static-delta', 'generate', '--from=v1', '--to=v2', '--inline', '--min-fallback-size=0', `--filename=${file}`]);
  return { ...sample, wireBytes: storedBytes(file) };
}
