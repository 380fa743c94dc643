/**
 * Where the time of CPU profiles went, by function: `node benchmarks/profile.ts FILE.cpuprofile…`. Any process of the product writes one with
 * `NODE_OPTIONS='--cpu-prof --cpu-prof-dir=DIR'`, its worker threads too.
 */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';

/** As V8 writes it (Chrome DevTools protocol, Profiler.Profile). */
interface Profile {
  readonly nodes: readonly { readonly id: number; readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number } }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

const ROWS_MAX = 20;

/** Seconds of self time by `function file`, the most first; idle time is left out. */
function selfSeconds({ nodes, samples, timeDeltas }: Profile): [name: string, seconds: number][] {
  const seconds = new Map<string, number>();
  const names = new Map(nodes.map(({ id, callFrame: { functionName, url } }) => [id, `${functionName || '(anonymous)'} ${place(url)}`.trim()]));
  for (const [index, id] of samples.entries()) {
    const name = names.get(id) ?? '';
    if (name === '(idle)' || name === '(program)' || name === '(root)') continue;
    seconds.set(name, (seconds.get(name) ?? 0) + (timeDeltas[index] ?? 0) / 1e6);
  }
  return [...seconds].toSorted(([, a], [, b]) => b - a);
}

/** `src/store/pack-writer.ts` of a URL; of a package its name. */
function place(url: string): string {
  return /(src\/.*)$/.exec(url)?.[1] ?? /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1] ?? url;
}

const files = process.argv.slice(2);
if (files.length === 0) {
  process.stderr.write('usage: node benchmarks/profile.ts FILE.cpuprofile…\n');
  process.exitCode = 2;
}
for (const file of files) {
  const rows = selfSeconds(JSON.parse(readFileSync(file, 'utf8')) as Profile);
  const total = rows.reduce((sum, [, seconds]) => sum + seconds, 0);
  process.stdout.write(`${basename(file)}: ${total.toFixed(2)} s\n`);
  for (const [name, seconds] of rows.slice(0, ROWS_MAX)) process.stdout.write(`  ${seconds.toFixed(2).padStart(7)} s ${((100 * seconds) / total).toFixed(1).padStart(5)} %  ${name}\n`);
}
