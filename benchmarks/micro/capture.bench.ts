/** Reading a tree, without what comes after it: compression, upload, the core. */
import { captureTree } from '../../src/image/capture.ts';
import type { Benchmark, Contender, Sample } from '../runner/benchmark.ts';
import { settled } from '../runner/settle.ts';

const CORPORA = ['app', 'small'] as const;

export const benchmark: Benchmark = {
  name: 'capture',
  question: 'How fast does a tree become chunks and a manifest, blocks thrown away, and what is that beside reading it?',
  async run(context) {
    for (const name of CORPORA) {
      const { v1 } = context.corpora.versions(name);
      const rows: readonly Contender[] = [
        { name: 'captureTree', run: () => context.measure(() => capture(v1)) },
        { name: 'tar to a pipe', role: 'reference', needs: 'tar', run: async () => (await context.child('sh', ['-c', 'tar cf - -C "$1" . | cat > /dev/null', 'sh', v1])).sample },
      ];
      await context.table(`${name} v1`, rows.map((row) => settled(context, () => v1, row)), { warmUps: 1 });
    }
  },
};

async function capture(dir: string): Promise<Sample> {
  const startedMs = performance.now();
  const blocks = captureTree(dir);
  for (;;) {
    const step = await blocks.next();
    if (step.done !== true) continue;
    const { fileCount, chunkCount, logicalBytes } = step.value.stats;
    const seconds = (performance.now() - startedMs) / 1000;
    return { filesPerSecond: fileCount / seconds, mbPerSecond: logicalBytes / 1e6 / seconds, fileCount, chunkCount };
  }
}
