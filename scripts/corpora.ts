/** Builds the inputs of the benchmarks' full size. Arguments and messages; benchmarks/corpora/ does the rest. */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { buildCorpus, builtTree, isPinned, treeDigest, treesOf } from '../benchmarks/corpora/build-corpus.ts';
import { corporaDir } from '../benchmarks/corpora/corpora-dir.ts';
import { CORPORA, corpusNames, type CorpusName } from '../benchmarks/corpora/definitions.ts';
import { readLock, writeLock } from '../benchmarks/corpora/lock.ts';

const USAGE = `usage: scripts/corpora [NAME…] [--list] [--verify] [--relock]

Builds the inputs of \`npm run bench -- --full\`, all or those named, below BRANCHCAST_CORPORA (default: branchcast/corpora in the user's cache directory).
Packages come from the registry that npm is set up to use and are checked against benchmarks/corpora/corpora.lock.json; the trees too. What is built is not
built again; what was broken off is begun anew, without fetching again what is there. About 5 GB, of which base and image, which need root, are 3.

${corpusNames().map((name) => `  ${name.padEnd(8)} ${CORPORA[name]}`).join('\n')}

  --list    what is built, and where
  --verify  read what is built again and compare it with its digests
  --relock  note packages and trees that the lock lacks (after editing benchmarks/corpora/definitions.ts)

Exit codes: 0 all there; 1 something could not be built or is not what it should be; 2 wrong arguments.
Examples:
  scripts/corpora app small
  BRANCHCAST_CORPORA=/data/corpora scripts/corpora
`;

function parse(): { names: CorpusName[]; list: boolean; verify: boolean; relock: boolean } {
  const flag = { type: 'boolean', default: false } as const;
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { list: flag, verify: flag, relock: flag, help: { ...flag, short: 'h' } } });
  if (values.help) {
    process.stdout.write(USAGE);
    process.exit(0);
  }
  const unknown = positionals.filter((name) => !corpusNames().some((known) => known === name));
  if (unknown.length > 0) throw new Error(`no corpus is called ${unknown.join(', ')}`);
  return { ...values, names: corpusNames().filter((name) => positionals.length === 0 || positionals.includes(name)) };
}

function list(dir: string, names: readonly CorpusName[]): void {
  process.stdout.write(`${dir}\n`);
  for (const name of names) {
    for (const tree of treesOf(name)) {
      const built = builtTree(dir, name, tree);
      process.stdout.write(`${`${name}/${tree}`.padEnd(12)} ${built === undefined ? 'not built' : `${built.fileCount} files, ${(built.bytes / 1e6).toFixed(0)} MB, ${built.sha256.slice(0, 16)}…`}\n`);
    }
  }
}

async function verify(dir: string, names: readonly CorpusName[]): Promise<boolean> {
  const { trees } = readLock();
  let same = true;
  for (const name of names) {
    for (const tree of treesOf(name)) {
      const built = builtTree(dir, name, tree);
      if (built === undefined) continue;
      const wanted = isPinned(name) ? trees[`${name}/${tree}`] : built;
      const right = wanted?.sha256 === (await treeDigest(join(dir, name, tree))).sha256;
      process.stdout.write(`${name}/${tree}: ${right ? 'as it should be' : 'DIFFERS: remove it and build it again'}\n`);
      same &&= right;
    }
  }
  return same;
}

async function build(dir: string, names: readonly CorpusName[], relock: boolean): Promise<boolean> {
  let ok = true;
  for (const name of names) {
    try {
      const before = readLock();
      const lock = await buildCorpus(name, { dir, lock: before, relock, say: (line) => process.stderr.write(`${line}\n`) });
      if (relock) writeLock(lock);
    } catch (error) {
      // The others may still be built.
      process.stderr.write(`${name}: ${(error as Error).message}\n`);
      ok = false;
    }
  }
  return ok;
}

let args;
try {
  args = parse();
} catch (error) {
  process.stderr.write(`error: ${(error as Error).message}\n\n${USAGE}`);
  process.exit(2);
}
const dir = corporaDir();
if (args.list) list(dir, args.names);
else process.exitCode = (await (args.verify ? verify(dir, args.names) : build(dir, args.names, args.relock))) ? 0 : 1;
