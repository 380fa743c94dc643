/** Three tables about one corpus: v1 into an empty store, v2 after it, v2 again with nothing changed. The stores of a round go through all three. */
import { join } from 'node:path';
import type { CorpusName } from '../corpora/definitions.ts';
import { borg, casync, countedBytes, restic, type BackupStore } from '../peers/backup-store.ts';
import { emptyStore } from '../peers/empty-store.ts';
import { storedBytes } from '../peers/stored-bytes.ts';
import type { BenchContext, Contender, Sample } from '../runner/benchmark.ts';
import { settled } from '../runner/settle.ts';
import { CoreUnderTest } from './core-under-test.ts';

export const FIRST = 'v1 into an empty store';
export const SECOND = 'v2 after v1';
export const AGAIN = 'v2 again, nothing changed';
export const PUBLISH = 'branchcast layer publish';

const STORES: readonly BackupStore[] = [restic(), borg(), casync()];

export async function publishTables(context: BenchContext, corpus: CorpusName): Promise<void> {
  const { v1, v2 } = context.corpora.versions(corpus);
  const reading = (tree: string, rows: readonly Contender[]): Contender[] => rows.map((row) => settled(context, () => tree, row));
  await context.table(FIRST, reading(v1, [
    { name: PUBLISH, run: (round) => publish(context, round, v1, '1') },
    ...STORES.map((store) => storeRow(context, store, v1, '1')),
    { name: 'tar | zstd -3 -T2', role: 'reference', needs: 'zstd', run: (round) => tarZstd(context, round, v1) },
    { name: 'cp -a', role: 'reference', needs: 'cp', run: async (round) => (await context.child('cp', ['-a', v1, join(context.dir, `copy-${round}`)])).sample },
  ]));
  await context.table(SECOND, reading(v2, [
    { name: PUBLISH, run: (round) => publish(context, round, v2, '2') },
    ...STORES.map((store) => storeRow(context, store, v2, '2')),
  ]), { ratioOf: 'newStoredBytes' });
  await context.table(AGAIN, reading(v2, [
    { name: PUBLISH, run: (round) => publish(context, round, v2, '3') },
    ...STORES.map((store) => storeRow(context, store, v2, '3')),
  ]));
}

function publish(context: BenchContext, round: number, tree: string, version: string): Promise<Sample> {
  return CoreUnderTest.during(context, join(context.dir, `branchcast-${round}`), async (core) => {
    const before = core.storedBytes();
    const { sample, published } = await core.publish(tree, version);
    const after = core.storedBytes();
    return {
      ...sample,
      storedBytes: after,
      // What an empty core has is no layer's.
      newStoredBytes: after - before,
      uploadedBytes: published.uploadedBytes,
      filesPerSecond: published.fileCount / (sample['wallSeconds'] ?? Number.NaN),
    };
  });
}

function storeRow(context: BenchContext, store: BackupStore, tree: string, version: string): Contender {
  const place = (round: number): string => join(context.dir, `${store.name}-${round}`.replaceAll(/[ ,]+/g, '-'));
  let before = 0;
  return {
    name: store.name,
    role: 'peer',
    needs: store.tool,
    prepare: async (round) => {
      if (version === '1') await emptyStore(context, store, place(round));
      before = countedBytes(store, place(round));
    },
    run: async (round) => {
      const { sample } = await store.add(context, place(round), tree, version);
      const after = countedBytes(store, place(round));
      return { ...sample, storedBytes: after, newStoredBytes: after - before };
    },
  };
}

async function tarZstd({ child, dir }: BenchContext, round: number, tree: string): Promise<Sample> {
  const file = join(dir, `tree-${round}.tar.zst`);
  const { sample } = await child('sh', ['-c', 'tar cf - -C "$1" . | zstd -3 -T2 -q -o "$2" && sync "$2"', 'sh', tree, file]);
  return { ...sample, storedBytes: storedBytes(file) };
}
