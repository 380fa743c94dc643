/** What the corpora are made of. Each has a real history: two adjacent versions of the same packages. */

/** A package with the versions that v1 and v2 have. */
type Pair = readonly [name: string, v1: string, v2: string];

const APP: readonly Pair[] = [
  ['typescript', '5.6.2', '5.6.3'],
  ['next', '15.0.2', '15.0.3'],
  ['@next/swc-linux-x64-gnu', '15.0.2', '15.0.3'],
  ['@types/node', '22.9.0', '22.9.1'],
  ['@esbuild/linux-x64', '0.24.0', '0.24.1'],
  ['@swc/core-linux-x64-gnu', '1.9.1', '1.9.2'],
  ['monaco-editor', '0.51.0', '0.52.0'],
  ['aws-sdk', '2.1691.0', '2.1692.0'],
  ['@oven/bun-linux-x64', '1.1.33', '1.1.34'],
  ['@cloudflare/workerd-linux-64', '1.20241106.1', '1.20241106.2'],
  ['googleapis', '143.0.0', '144.0.0'],
];
const SMALL: readonly Pair[] = [
  ['@mui/icons-material', '5.16.6', '5.16.7'],
  ['@fluentui/svg-icons', '1.1.339', '1.1.340'],
  ['@tabler/icons-react', '3.19.0', '3.20.0'],
  ['date-fns', '4.0.0', '4.1.0'],
  ['core-js', '3.38.1', '3.39.0'],
  ['lodash-es', '4.17.20', '4.17.21'],
];
const UPDATED_IN_LIGHT: readonly string[] = ['typescript', '@esbuild/linux-x64'];
const IN_BRANCH: readonly string[] = ['typescript', '@swc/core-linux-x64-gnu', '@esbuild/linux-x64', '@types/node'];

/** `NAME@VERSION` of every package of a tree. */
export type PackageTree = readonly string[];

/** Corpus -> tree -> packages, unpacked under node_modules/. */
export const PACKAGE_CORPORA = {
  app: { v1: versions(APP, () => 1), v2: versions(APP, () => 2), light: versions(APP, (name) => (UPDATED_IN_LIGHT.includes(name) ? 2 : 1)) },
  small: { v1: versions(SMALL, () => 1), v2: versions(SMALL, () => 2) },
  branch: { v1: versions(branchPairs(), () => 1), v2: versions(branchPairs(), () => 2) },
} as const satisfies Readonly<Record<string, Readonly<Record<string, PackageTree>>>>;

/** `base`: debootstrap's smallest Debian; v2 is the same after an upgrade and these installs. */
export const BASE_SUITE = 'bookworm';
export const BASE_V2_PACKAGES: readonly string[] = ['python3', 'git', 'nginx-light', 'openssh-client', 'ca-certificates', 'vim-tiny'];

/** What scripts/corpora can build, and in a line what each is; `image` needs `base` and `app`. */
export const CORPORA = {
  app: 'big npm packages: compilers, runtimes, SDKs; about 900 MB in 12,400 files; v1, v2, and light: v1 with two packages of v2',
  small: 'npm packages of small files: icon sets, date-fns, core-js, lodash-es; about 100 MB in 74,000 files; v1, v2',
  branch: 'four packages of app, 85 MB: a layer of one small application; v1, v2',
  random: 'one file of random bytes, 256 MiB; v2 has 300 bytes inserted',
  base: `a debootstrap root (${BASE_SUITE}, minbase), 171 MB; v2 is upgraded, with python3, git, nginx and more, 369 MB. Needs root and debootstrap`,
  image: 'base and app in one ext4 file of over 1 GB, with fixed UUIDs; v1, v2. Needs root and mke2fs',
} as const satisfies Readonly<Record<string, string>>;

export type CorpusName = keyof typeof CORPORA;

export function corpusNames(): CorpusName[] {
  return Object.keys(CORPORA) as CorpusName[];
}

function versions(pairs: readonly Pair[], versionOf: (name: string) => 1 | 2): string[] {
  return pairs.map(([name, v1, v2]) => `${name}@${versionOf(name) === 1 ? v1 : v2}`);
}

function branchPairs(): Pair[] {
  return APP.filter(([name]) => IN_BRANCH.includes(name));
}
