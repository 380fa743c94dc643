/** The command line as a user meets it: the launcher, usage errors, JSON, exit codes. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { symlinkSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Command } from 'commander';
import t from 'tap';
import { parse } from 'yaml';
import { createProgram } from '../../../src/cli/program.ts';
import { LAUNCHER, runBranchcast } from './run-branchcast.ts';

/** Port 9 (discard): nobody listens. */
const NO_CORE = 'http://127.0.0.1:9';

function commandsBelow(command: Command): Command[] {
  return [command, ...command.commands.flatMap(commandsBelow)];
}

function helpOf(command: Command): string {
  let text = '';
  command.configureOutput({ writeOut: (part) => { text += part; } });
  command.outputHelp();
  return text;
}

await t.test('every command has examples, and every one that answers has --json', async (t) => {
  const commands = commandsBelow(await createProgram()).filter((command) => command.name() !== 'complete');
  t.ok(commands.length > 20, `saw ${commands.length} commands`);
  for (const command of commands) {
    const help = helpOf(command);
    t.match(help, /Examples:\n {2}\$ |Examples:\n {2}\$? ?source/, `${command.name()} has examples`);
    const isDaemon = command.name() === 'start';
    if (command.commands.length === 0 && !isDaemon && command.name() !== 'completion') t.match(help, /--json/, `${command.parent?.name()} ${command.name()} has --json`);
  }
});

await t.test('a line loads no more commands than it can mean', async (t) => {
  const names = async (...words: string[]): Promise<string[]> => commandsBelow(await createProgram(words)).slice(1).map((command) => command.name());
  t.same(await names('layer', 'publish', '.', '--name', 'list'), ['layer', 'publish']);
  t.same(await names('doctor', '--json'), ['doctor']);
  t.same(await names('--version'), []);
  const every = await names();
  for (const words of [['help', 'layer'], ['--help'], ['lyaer'], ['complete', '--', 'layer', ''], ['toString']]) t.same(await names(...words), every, words.join(' '));
  const ofLayer = every.slice(every.indexOf('layer'), every.indexOf('site'));
  for (const words of [['layer'], ['layer', '--help'], ['layer', 'lsit'], ['layer', 'help', 'list']]) t.same(await names(...words), ofLayer, words.join(' '));
});

await t.test('usage errors', async (t) => {
  const [typo, asJson] = await Promise.all([runBranchcast(['layer', 'lsit']), runBranchcast(['layer', 'publish', '.', '--name', 'x', '--json'])]);
  t.equal(typo.exitCode, 2);
  t.match(typo.stderr, /^error BC_USAGE: unknown command 'lsit'/);
  t.match(typo.stderr, /Did you mean list\?/);
  t.equal(asJson.exitCode, 2);
  t.match(JSON.parse(asJson.stdout), { error: { code: 'BC_USAGE', message: /--version/, advice: String } });
  t.equal(asJson.stderr, '');
});

await t.test('help and version are no errors; a line that stops short is', async (t) => {
  const [help, version, short] = await Promise.all([runBranchcast(['layer', 'publish', '--help']), runBranchcast(['--version']), runBranchcast(['layer'])]);
  t.equal(help.exitCode, 0);
  t.match(help.stdout, /--parent/);
  t.match(version, { exitCode: 0, stdout: /^\d+\.\d+\.\d+\n$/ });
  t.equal(short.exitCode, 2);
});

await t.test('the launcher follows links', async (t) => {
  const dir = t.testdir({ bin: {} });
  symlinkSync(LAUNCHER, join(dir, 'bin/first'));
  symlinkSync('first', join(dir, 'bin/branchcast'));
  t.match(await runBranchcast(['--version'], join(dir, 'bin/branchcast')), { exitCode: 0 });
});

await t.test('no core', async (t) => {
  const [plain, scrub] = await Promise.all([runBranchcast(['site', 'list', '--core', 'ftp://x']), runBranchcast(['cache', 'status', '--reflector-api', NO_CORE, '--json'])]);
  t.equal(plain.exitCode, 2);
  t.match(plain.stderr, /^error BC_CONFIG_INVALID: /);
  t.equal(scrub.exitCode, 1);
  t.match(JSON.parse(scrub.stdout), { error: { code: 'BC_REFLECTOR_UNREACHABLE', details: { url: NO_CORE } } });
});

await t.test('config check and show', async (t) => {
  const dir = t.testdir({ 'good.yaml': 'dataDir: data\nlisten: 127.0.0.1:1234\n', 'bad.yaml': 'lisen: 1\npackBytesTarget: 1 MiB\n' });
  const [good, bad, shown] = await Promise.all([
    runBranchcast(['config', 'check', 'core', join(dir, 'good.yaml'), '--json']),
    runBranchcast(['config', 'check', 'core', join(dir, 'bad.yaml')]),
    runBranchcast(['config', 'show', 'core', join(dir, 'good.yaml'), '--origin']),
  ]);
  t.match(good, { exitCode: 0 });
  t.match(JSON.parse(good.stdout), { ok: true });
  t.equal(bad.exitCode, 2);
  t.match(bad.stderr, /bad\.yaml:1: lisen: unknown key \(did you mean "listen"\?\)\n.*bad\.yaml:2: packBytesTarget/);
  t.match(parse(shown.stdout), { dataDir: join(dir, 'data'), listen: '127.0.0.1:1234', packBytesTarget: '64 MiB' });
  t.match(shown.stdout, /# file .*good\.yaml:2\nlisten/);
});

await t.test('completion knows the verbs', async (t) => {
  await Promise.all(['bash', 'zsh', 'fish'].map(async (shell) => t.match(await runBranchcast(['completion', shell]), { exitCode: 0, stdout: /branchcast/ }, shell)));
  const verbs = await runBranchcast(['complete', '--', 'layer', '']);
  t.match(verbs.stdout, /publish[\s\S]*diff[\s\S]*verify/);
});

await t.test('Ctrl-C ends a command that waits', async (t) => {
  const { promise: asked, resolve: onAsked } = Promise.withResolvers<void>();
  // Never answers.
  const core = createServer(() => onAsked());
  core.listen(0, '127.0.0.1');
  await once(core, 'listening');
  t.teardown(() => {
    core.closeAllConnections();
    core.close();
  });
  const { port } = core.address() as AddressInfo;
  const child = spawn(LAUNCHER, ['layer', 'list', '--core', `http://127.0.0.1:${port}`], { stdio: ['ignore', 'pipe', 'pipe'] });
  const [stdout, stderr, exit] = [text(child.stdout), text(child.stderr), once(child, 'exit')];
  await asked;
  child.kill('SIGINT');
  t.strictSame(await exit, [130, null]);
  t.match(await stderr, /^error BC_CANCELLED: cancelled by SIGINT\n/);
  t.equal(await stdout, '');
});
