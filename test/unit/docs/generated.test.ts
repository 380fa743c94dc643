import { readFileSync } from 'node:fs';
import t from 'tap';
import { generatedPages } from '../../../scripts/docs/pages.ts';

for (const [path, page] of Object.entries(generatedPages)) {
  t.equal(readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8'), page(), `${path} is up to date (npm run docs)`);
}
