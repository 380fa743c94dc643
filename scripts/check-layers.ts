/**
 * The import rule of the layout: a file imports from its own folder and from lower floors only; folders on one floor do
 * not know each other. Fails when it saw no files (dependency-cruiser exits 0 on a tree that it cannot read).
 */
import { cruise, type ICruiseResult } from 'dependency-cruiser';

const FLOORS: readonly (readonly string[])[] = [
  ['base'],
  ['chunking'],
  ['trust', 'manifest', 'store'],
  ['transfer', 'delta'],
  ['image', 'wan', 'swarm'],
  ['core', 'reflector', 'agent'],
  ['cli'],
  ['main.ts'],
];
const MODULES_MIN = 30;

function floorOf(folder: string): number {
  return FLOORS.findIndex((floor) => floor.includes(folder));
}

function folderOf(path: string): string | undefined {
  return /^src\/([^/]+)/.exec(path)?.[1];
}

const { output } = await cruise(['src'], { doNotFollow: { path: 'node_modules' }, tsPreCompilationDeps: true, tsConfig: { fileName: 'tsconfig.json' } });
const modules = (output as ICruiseResult).modules.filter((module) => module.source.startsWith('src/'));
const problems: string[] = [];
let importCount = 0;

for (const module of modules) {
  const from = folderOf(module.source);
  if (from === undefined || floorOf(from) < 0) {
    problems.push(`${module.source}: its folder has no floor in scripts/check-layers.ts`);
    continue;
  }
  for (const dependency of module.dependencies) {
    const to = folderOf(dependency.resolved);
    if (to === undefined) continue;
    importCount += 1;
    if (dependency.circular) problems.push(`${module.source} -> ${dependency.resolved}: a circle`);
    if (to !== from && floorOf(to) >= floorOf(from)) problems.push(`${module.source} -> ${dependency.resolved}: ${from}/ may not know ${to}/`);
  }
}

if (modules.length < MODULES_MIN || importCount < MODULES_MIN) {
  problems.push(`saw ${modules.length} modules and ${importCount} imports: too few to be the project`);
}
for (const problem of problems) process.stderr.write(`${problem}\n`);
process.stdout.write(`layers: ${modules.length} modules, ${importCount} imports, ${problems.length} problems\n`);
process.exitCode = problems.length > 0 ? 1 : 0;
