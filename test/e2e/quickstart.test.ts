/** What a new user runs first: it works, says so as one document, and leaves nothing behind, also when it is cancelled. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import type { QuickstartReport } from '../../scripts/quickstart-parts/report.ts';

const QUICKSTART = fileURLToPath(new URL('../../scripts/quickstart', import.meta.url));
const ENDPOINTS = 2;

function makeTree(root: string): void {
  mkdirSync(join(root, 'small'), { recursive: true });
  for (let index = 0; index < 50; index += 1) writeFileSync(join(root, 'small', `file-${index}`), `${index} `.repeat(10 + index));
  let state = 1;
  const large = Buffer.from(Uint8Array.from({ length: 4_000_000 }, () => (state = (state * 48_271) % 2_147_483_647) & 0xff));
  writeFileSync(join(root, 'large'), large);
}

interface Run {
  readonly child: ReturnType<typeof spawn>;
  readonly stdout: Promise<string>;
  readonly exit: Promise<unknown[]>;
  /** Resolves when stderr has said that. */
  said(pattern: RegExp): Promise<void>;
}

function quickstart(tree: string, tmp: string): Run {
  const child = spawn(QUICKSTART, [tree, '--endpoints', String(ENDPOINTS), '--json'], { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, TMPDIR: tmp } });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (part: string) => (stderr += part));
  return {
    child,
    stdout: text(child.stdout),
    exit: once(child, 'exit'),
    async said(pattern) {
      while (!pattern.test(stderr)) {
        if (child.exitCode !== null) throw new Error(`the quickstart ended before it said ${String(pattern)}:\n${stderr}`);
        await once(child.stderr, 'data');
      }
    },
  };
}

await t.test('two versions reach every endpoint over one WAN transfer', async (t) => {
  const dir = t.testdir({ tmp: {} });
  makeTree(join(dir, 'tree'));
  const run = quickstart(join(dir, 'tree'), join(dir, 'tmp'));
  const stdout = await run.stdout;
  t.strictSame(await run.exit, [0, null]);
  const report = JSON.parse(stdout) as QuickstartReport;
  t.equal(report.ok, true);
  t.strictSame(report.steps.map((step) => step.layer), ['quickstart/tree@1.0', 'quickstart/tree@2.0']);
  for (const step of report.steps) {
    t.strictSame(step.endpoints.map((endpoint) => endpoint.matched), Array.from({ length: ENDPOINTS }, () => true));
    t.ok(step.wan.amplification <= 1.02, `amplification ${step.wan.amplification}`);
    t.ok(step.endpoints.every(({ bytes }) => bytes.core === 0 && bytes.reflector > 0), 'all bytes came through the reflector');
  }
  const [first, second] = report.steps;
  t.ok(first !== undefined && second !== undefined && second.wan.bytes < first.storedBytes / 10, 'the second version moves little');
  t.strictSame(readdirSync(join(dir, 'tmp')), [], 'nothing is left');
});

await t.test('cancelled in the middle', async (t) => {
  const dir = t.testdir({ tmp: {} });
  makeTree(join(dir, 'tree'));
  const run = quickstart(join(dir, 'tree'), join(dir, 'tmp'));
  await run.said(/Publishing .* as quickstart\/tree@1\.0/);
  run.child.kill('SIGINT');
  t.strictSame(await run.exit, [130, null]);
  t.equal(await run.stdout, '');
  t.strictSame(readdirSync(join(dir, 'tmp')), [], 'nothing is left');
});

await t.test('wrong arguments', async (t) => {
  const dir = t.testdir({ tmp: {} });
  const run = quickstart(join(dir, 'no-such-directory'), join(dir, 'tmp'));
  t.strictSame(await run.exit, [2, null]);
});
