/** What `layer plan --endpoints` costs: manifests alone, of all versions that endpoints of a fleet still have. */
import { appendFileSync, cpSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CoreUnderTest } from '../publish/core-under-test.ts';
import type { Benchmark, Size } from '../runner/benchmark.ts';

const ENDPOINT_COUNT = 1000;
const VERSION_COUNTS: Readonly<Record<Size, number>> = { small: 4, full: 20 };
/** Of the files, those that each version changes: one in so many, others each time. */
const CHANGED_ONE_IN = 200;
const PLAN = `layer plan of ${ENDPOINT_COUNT} endpoints`;

export const benchmark: Benchmark = {
  name: 'fleet-plan',
  question: `How long does it take to say for each of ${ENDPOINT_COUNT} endpoints, which have one of many versions of small, what its update adds, updates, downgrades and removes, and what it must fetch?`,
  diskBytes: 3e9,
  bounds: [{ what: `${ENDPOINT_COUNT} endpoints from manifests alone: 10 s`, value: { row: PLAN, metric: 'wallSeconds' }, atMost: [10] }],
  async run(context) {
    const { corpora, dir, size, say, table } = context;
    const { v1, v2 } = corpora.versions('small');
    const versionCount = VERSION_COUNTS[size];
    await CoreUnderTest.during(context, join(dir, 'core'), async (core) => {
      const tree = join(dir, 'tree');
      cpSync(v2, tree, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
      const files = readdirSync(tree, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name)).sort();
      await core.publish(v1, '1');
      for (let version = 2; version <= versionCount; version += 1) {
        say(`version ${version} of ${versionCount}`);
        if (version > 2) for (let index = version; index < files.length; index += CHANGED_ONE_IN) appendFileSync(files[index] as string, `// ${version}\n`);
        await core.publish(tree, String(version));
      }
      const endpoints = join(dir, 'endpoints.txt');
      writeFileSync(endpoints, Array.from({ length: ENDPOINT_COUNT }, (_, index) => `pc-${index} bench/tree@${1 + (index % versionCount)}\n`).join(''));
      await table(`${versionCount} versions`, [{
        name: PLAN,
        run: async () => {
          const { sample, stdout } = await core.command('layer', 'plan', `bench/tree@${versionCount}`, '--endpoints', endpoints, '--core', core.url);
          const { groups } = JSON.parse(stdout) as { readonly groups: readonly { readonly endpoints: readonly string[]; readonly changes: { readonly updated: number } }[] };
          const plannedCount = groups.reduce((sum, group) => sum + group.endpoints.length, 0);
          if (plannedCount !== ENDPOINT_COUNT || groups[0]?.changes.updated === 0) throw new Error(`${plannedCount} endpoints were planned for`);
          return { ...sample, endpointCount: plannedCount, versionCount };
        },
      }]);
    });
  },
};
