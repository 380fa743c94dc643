/**
 * Bundles src/ and the packages it uses into dist/: a few files instead of 1,200 modules, whose loading was more than half of what a short
 * command took (docs/decisions/0009-bundled-start.md). scripts/branchcast takes dist/ if it is newer than the sources.
 */
import { rmSync } from 'node:fs';
import { build } from 'esbuild';

const OUT_DIR = 'dist';
/** Threads have modules of their own; base/worker-pool.ts and core/delta-maker.ts find their scripts beside the code that starts them. */
const ENTRY_POINTS = ['src/main.ts', 'src/store/frame-worker.ts', 'src/image/read-worker.ts', 'src/image/walk-worker.ts', 'src/image/inode-worker.ts', 'src/core/delta-worker.ts'];
/** Packages with native parts look for these beside themselves. */
const NOT_BUNDLED = ['@napi-rs/blake-hash', 'classic-level', 'koffi'];

rmSync(OUT_DIR, { recursive: true, force: true });
await build({
  entryPoints: ENTRY_POINTS,
  entryNames: '[name]',
  outdir: OUT_DIR,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  external: NOT_BUNDLED,
  // CommonJS packages in an ES module still ask `require` for what is Node's own.
  banner: { js: "const require = process.getBuiltinModule('node:module').createRequire(import.meta.url);" },
  legalComments: 'linked',
  logLevel: 'warning',
});
