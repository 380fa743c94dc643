import { readFileSync } from 'node:fs';

/** Two folders up from here is the package, from src/base/ and from dist/base/ alike. */
const packageJson = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { readonly version: string };

export const VERSION = packageJson.version;
