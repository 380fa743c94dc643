/** Writes the pages of docs/ that are generated from the code: `npm run docs`. A test fails when they are out of date. */
import { writeFileSync } from 'node:fs';
import { generatedPages } from './docs/pages.ts';

for (const [path, page] of Object.entries(generatedPages)) {
  writeFileSync(new URL(`../${path}`, import.meta.url), page());
  process.stdout.write(`${path}\n`);
}
