/**
 * Bundles src/ and the packages it uses into dist/: a few files instead of 1,200 modules, whose loading was more than half of what a short
 * command took (docs/decisions/0009-bundled-start.md). scripts/branchcast takes dist/ if it is newer than the sources.
 */
import { rmSync } from 'node:fs';
import { build, type BuildOptions, type Plugin } from 'esbuild';

const OUT_DIR = 'dist';
/** Found beside the code that starts them (base/worker-pool.ts, core/delta-maker.ts). Each is one file: shared pieces would be many small ones, and a millisecond each for every thread and every command. */
const THREADS = ['src/store/frame-worker.ts', 'src/image/read-worker.ts', 'src/image/walk-worker.ts', 'src/image/inode-worker.ts', 'src/core/delta-worker.ts'];
/** Packages with native parts look for these beside themselves. */
const NOT_BUNDLED = ['@napi-rs/blake-hash', 'classic-level', 'koffi'];

/** undici loads node:http2, and TLS with it, for a protocol that src/wan/http-agent.ts tells it not to use: a third of the time until a client is there. It does without where a Node.js has none. As a whole it would use it: nobody may load that. */
const undiciWithoutHttp2: Plugin = {
  name: 'undici-without-http2',
  setup(bundler) {
    bundler.onResolve({ filter: /^node:http2$/ }, ({ importer }) => (/\/undici\/lib\/dispatcher\//.test(importer) ? { path: 'none', namespace: 'undici-http2' } : undefined));
    bundler.onResolve({ filter: /^undici$/ }, () => ({ errors: [{ text: 'undici as a whole speaks HTTP/2, which the bundle leaves out: use src/wan/http-agent.ts' }] }));
    bundler.onLoad({ filter: /./, namespace: 'undici-http2' }, () => ({ contents: 'module.exports = { constants: {} };' }));
  },
};

const common: BuildOptions = {
  outdir: OUT_DIR,
  entryNames: '[name]',
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  external: NOT_BUNDLED,
  plugins: [undiciWithoutHttp2],
  // CommonJS packages in an ES module still ask `require` for what is Node's own.
  banner: { js: "const require = process.getBuiltinModule('node:module').createRequire(import.meta.url);" },
  legalComments: 'linked',
  logLevel: 'warning',
};

rmSync(OUT_DIR, { recursive: true, force: true });
await build({ ...common, entryPoints: ['src/main.ts'], splitting: true });
await build({ ...common, entryPoints: THREADS });
