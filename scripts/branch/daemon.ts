/**
 * One branchcast daemon as a process of its own, for scripts and end-to-end tests: started from a config file, known by its ready
 * file, its log and its HTTP API, optionally in a network namespace, and ended by its process id.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { createWriteStream, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { stringify } from 'yaml';
import { MiB } from '../../src/base/units.ts';

export const BRANCHCAST = join(import.meta.dirname, '..', 'branchcast');
const ANSWER_BYTES_MAX = 64 * MiB;
const READY_DEADLINE_MS = 60_000;
const STOP_DEADLINE_MS = 10_000;

export interface DaemonSpec {
  readonly role: 'core' | 'reflector' | 'agent';
  /** Names its files under `dir`. */
  readonly name: string;
  /** Holds config, log and ready file; config paths resolve against it. */
  readonly dir: string;
  readonly config: Readonly<Record<string, unknown>>;
  /** Put before the command: `['ip', 'netns', 'exec', 'lab-core']`. */
  readonly prefix?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
}

export interface Ready {
  readonly pid: number;
  readonly api: string;
  readonly lan?: readonly string[];
  readonly peerId?: string;
}

export type LogLine = Readonly<Record<string, unknown>> & { readonly msg?: string };

/** Whatever ends this process ends its daemons: none may go on writing where the next run will work. */
const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

export class Daemon {
  readonly spec: DaemonSpec;
  readonly ready: Ready;
  readonly log: readonly LogLine[];
  readonly #child: ChildProcess;
  readonly #exited: Promise<number | NodeJS.Signals>;

  private constructor(spec: DaemonSpec, child: ChildProcess, exited: Promise<number | NodeJS.Signals>, ready: Ready, log: readonly LogLine[]) {
    this.spec = spec;
    this.#child = child;
    this.#exited = exited;
    this.ready = ready;
    this.log = log;
  }

  /** Resolves when the daemon serves. Rejects with the end of its log if it does not. */
  static async start(spec: DaemonSpec): Promise<Daemon> {
    const file = (ending: string): string => join(spec.dir, `${spec.name}.${ending}`);
    mkdirSync(spec.dir, { recursive: true });
    writeFileSync(file('yaml'), stringify(spec.config));
    rmSync(file('ready'), { force: true });

    const [command, ...args] = argv(...(spec.prefix ?? []), BRANCHCAST, spec.role, 'start', '--config', file('yaml'), '--ready-file', file('ready'));
    const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, ...spec.env } });
    running.add(child);
    const exited = new Promise<number | NodeJS.Signals>((resolve) => {
      child.once('error', () => resolve(127));
      child.once('exit', (code, signal) => resolve(signal ?? code ?? 0));
    });
    void exited.then(() => running.delete(child));
    const log: LogLine[] = [];
    const logFile = createWriteStream(file('log'), { flags: 'a' });
    const lines = createInterface({ input: child.stderr as NodeJS.ReadableStream });
    lines.on('line', (line) => {
      logFile.write(`${line}\n`);
      log.push(parseLine(line));
    });

    const deadline = AbortSignal.timeout(READY_DEADLINE_MS);
    let ended: number | NodeJS.Signals | undefined;
    void exited.then((status) => (ended = status));
    for (;;) {
      const ready = readReady(file('ready'));
      if (ready !== undefined) return new Daemon(spec, child, exited, ready, log);
      if (ended !== undefined || deadline.aborted) {
        child.kill('SIGKILL');
        throw new Error(`${spec.name} did not start (${String(ended ?? 'deadline')}):\n${log.slice(-10).map((line) => JSON.stringify(line)).join('\n')}`);
      }
      await pause(20);
    }
  }

  /** The process itself: below `ip netns exec`, which replaces itself, and the launcher, which does too. */
  get pid(): number {
    return this.ready.pid;
  }

  /** JSON of the daemon's own API, asked from inside its namespace. */
  async api<T>(path: string, init: { readonly method?: string } = {}): Promise<T> {
    const url = `${this.ready.api}${path}`;
    const { prefix } = this.spec;
    if (prefix === undefined) return (await (await fetch(url, init)).json()) as T;
    const script = `fetch(${JSON.stringify(url)}, ${JSON.stringify(init)}).then((r) => r.text()).then((text) => process.stdout.write(text))`;
    const [command, ...args] = argv(...prefix, process.execPath, '-e', script);
    return JSON.parse((await promisify(execFile)(command, args, { maxBuffer: ANSWER_BYTES_MAX })).stdout) as T;
  }

  /** The first line, past or to come, that `match` accepts. */
  async logged(match: (line: LogLine) => boolean, deadlineMs: number): Promise<LogLine> {
    const untilMs = performance.now() + deadlineMs;
    for (let next = 0; ; ) {
      for (; next < this.log.length; next += 1) if (match(this.log[next] as LogLine)) return this.log[next] as LogLine;
      if (performance.now() > untilMs) throw new Error(`${this.spec.name} did not log what was expected within ${deadlineMs} ms:\n${this.log.slice(-10).map((line) => JSON.stringify(line)).join('\n')}`);
      await pause(20);
    }
  }

  /** As a power cut of this process alone. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exited;
  }

  /** As an operator's Ctrl-C; SIGKILL if that takes too long. The exit status. */
  async stop(): Promise<number | NodeJS.Signals> {
    this.#child.kill('SIGTERM');
    const force = setTimeout(() => this.#child.kill('SIGKILL'), STOP_DEADLINE_MS);
    const status = await this.#exited;
    clearTimeout(force);
    return status;
  }
}

/** A command and its arguments, behind a prefix that may be empty. */
export function argv(...words: string[]): [string, ...string[]] {
  const [command, ...args] = words;
  if (command === undefined) throw new Error('a command of no words');
  return [command, ...args];
}

function readReady(path: string): Ready | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Ready;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function parseLine(line: string): LogLine {
  try {
    return JSON.parse(line) as LogLine;
  } catch {
    return { msg: line };
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
