/** What the documents name is there: files, links, and commands with their options. */
import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Command } from 'commander';
import t from 'tap';
import { createProgram } from '../../../src/cli/program.ts';

const ROOT = join(import.meta.dirname, '../../..');
const documents = globSync(['README.md', 'CONTRIBUTING.md', 'docs/**/*.md'], { cwd: ROOT }).toSorted();

const exists = (path: string): boolean => globSync(path, { cwd: ROOT }).length > 0;

/** Paths from the root of the project; `*` stands for anything. */
function pathsIn(text: string): string[] {
  return [...text.matchAll(/(?<![\w/.~-])(?:\.\/)?((?:src|test|docs|scripts|benchmarks|config)\/[\w./*-]*[\w/*])/g)].map(([, path = '']) => path);
}

function linksIn(text: string): string[] {
  return [...text.matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, path = '']) => path);
}

/** What stands in code after `branchcast`, and code that begins with a noun and a verb of it. */
function commandsIn(text: string, nouns: readonly string[]): string[] {
  const blocks = [...text.matchAll(/^```\w*\n(.*?)^```/gms)].flatMap(([, block = '']) => block.split('\n'));
  const spans = [...text.replaceAll(/^```\w*\n.*?^```/gms, '').matchAll(/`([^`\n]+)`/g)].map(([, span = '']) => span);
  const short = spans.filter((span) => nouns.includes(span.split(' ')[0] ?? '') && /^\w+ [a-z]/.test(span));
  return [...short, ...[...blocks, ...spans].map((code) => /\bbranchcast ((?:--)?[a-z]+(?![\w-]).*)/.exec(code)?.[1]).filter((command) => command !== undefined)].map((command) => command.replace(/ #.*/, ''));
}

/** What of it does not exist; undefined if all does. */
function unknownIn(command: string, program: Command): string | undefined {
  let at = program;
  for (const word of command.split(/\s+/)) {
    if (at.commands.length === 0 || word.startsWith('-')) break;
    const next = at.commands.find((one) => one.name() === word.replace(/\W+$/, ''));
    if (next === undefined) return word;
    at = next;
  }
  const known = at.createHelp().visibleOptions(at).map(({ long }) => long);
  return [...command.matchAll(/(?<=\s|^)--[a-z][a-z-]*/g)].map(([option]) => option).find((option) => !known.includes(option));
}

const program = await createProgram();
const nouns = program.commands.map((command) => command.name());
const found = { paths: 0, links: 0, commands: 0 };
for (const document of documents) {
  const text = readFileSync(join(ROOT, document), 'utf8');
  const [paths, links, commands] = [pathsIn(text), linksIn(text), commandsIn(text, nouns)];
  found.paths += paths.length;
  found.links += links.length;
  found.commands += commands.length;
  t.same(paths.filter((path) => !exists(path)), [], `${document}: files`);
  t.same(links.filter((path) => !exists(join(dirname(document), path))), [], `${document}: links`);
  t.same(commands.filter((command) => unknownIn(command, program) !== undefined), [], `${document}: commands`);
}

t.test('it would see what is not there', async (t) => {
  t.ok(Math.min(found.paths, found.links, found.commands) >= 10, `it read ${JSON.stringify(found)}`);
  t.same(pathsIn('`src/none.ts`, ./scripts/none').filter((path) => !exists(path)), ['src/none.ts', 'scripts/none']);
  t.same(commandsIn('`branchcast layer burn X`, `layer list --jsom`, `cache status`', nouns).map((command) => unknownIn(command, program)), ['--jsom', undefined, 'burn']);
});
