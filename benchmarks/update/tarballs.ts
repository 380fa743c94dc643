/** Trees as sorted tars, which is what the delta tools of others work on. */
import { join } from 'node:path';
import type { Versions } from '../corpora/corpora.ts';
import type { BenchContext } from '../runner/benchmark.ts';

/** Sorted, without owners and with one time: what differs is content. */
export async function tarBoth({ child, dir }: BenchContext, { v1, v2 }: Versions, name: string): Promise<Versions> {
  const files = { v1: join(dir, `${name}-v1.tar`), v2: join(dir, `${name}-v2.tar`) };
  for (const version of ['v1', 'v2'] as const) {
    const tree = version === 'v1' ? v1 : v2;
    await child('tar', ['--create', '--sort=name', '--numeric-owner', '--owner=0', '--group=0', '--mtime=@499162500', '--file', files[version], '--directory', tree, '.']);
  }
  return files;
}
