/** Runs a daemon in this process until a signal ends it: the same for the three roles. */
import { renameSync, writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { loadConfig, type ConfigSchema } from '../base/config.ts';
import { asBranchcastError, BranchcastError } from '../base/errors.ts';
import { SHUTDOWN_GRACE_MS } from '../base/limits/daemons.ts';
import { createLog, type Logger, type LogLevel } from '../base/log.ts';
import type { FieldValues, Setting } from '../base/setting.ts';
import { examplesText } from './command.ts';

/** What a role's start function gives. */
export interface RunningDaemon {
  /** Address of its HTTP API. */
  readonly api: string;
  /** Multiaddrs on the LAN, with the peer id. */
  readonly lan?: readonly string[];
  readonly peerId?: string;
  close(): Promise<void>;
}

interface StartOptions {
  readonly config?: string;
  readonly readyFile?: string;
  readonly set: readonly string[];
}

type Fields = Readonly<Record<string, Setting<unknown>>> & { readonly logLevel: Setting<LogLevel> };

/** Adds `<role> start` to the group of a role. `load` brings the daemon's code, which no other command needs. */
export function addStartCommand<F extends Fields>(group: Command, schema: ConfigSchema<F>, load: () => Promise<(config: FieldValues<F>, log: Logger) => Promise<RunningDaemon>>): void {
  const { role } = schema;
  group
    .command('start')
    .description(`run the ${role} until SIGTERM or Ctrl-C; logs are JSON lines on stderr`)
    .option('--config <file>', 'YAML file; docs/configuration.md lists the keys')
    .option('--set <key=value>', 'one setting, over file and environment; may be repeated', (pair: string, pairs: string[]) => [...pairs, pair], [])
    .option('--ready-file <path>', 'written when the daemon serves: JSON of pid, api, lan and peerId')
    .addHelpText('after', examplesText([`branchcast ${role} start --config config/${role}.yaml`, `branchcast ${role} start --set dataDir=/srv/branchcast --set logLevel=debug`]))
    .action(async (options: StartOptions) => {
      const { values, warnings } = loadConfig(schema, { file: options.config, env: process.env, overrides: parsePairs(options.set) });
      const log = createLog(role, values['logLevel'] as LogLevel);
      for (const warning of warnings) log.warn(warning);
      log.warn('the network is believed: peers and callers are not authenticated yet, keep the listen addresses in trusted networks');
      const start = await load();
      await runUntilSignal(role, options.readyFile, log, () => start(values, log));
    });
}

function parsePairs(pairs: readonly string[]): Record<string, string> {
  const entries = pairs.map((pair) => {
    const at = pair.indexOf('=');
    if (at <= 0) throw new BranchcastError('BC_USAGE', `--set ${pair}: write it as --set key=value`);
    return [pair.slice(0, at), pair.slice(at + 1)];
  });
  return Object.fromEntries(entries) as Record<string, string>;
}

async function runUntilSignal(role: string, readyFile: string | undefined, log: Logger, start: () => Promise<RunningDaemon>): Promise<void> {
  // From here on nobody may end the process halfway: a signal during the start is obeyed after it.
  const stopping = firstSignal();
  const crash = dieOn(log);
  try {
    const daemon = await start();
    const ready = { pid: process.pid, api: daemon.api, lan: daemon.lan ?? [], peerId: daemon.peerId };
    log.info({ ...ready }, 'ready');
    if (readyFile !== undefined) writeAtomically(readyFile, `${JSON.stringify(ready)}\n`);

    const signal = await stopping;
    log.info({ signal }, 'stopping');
    const late = setTimeout(() => {
      log.error(`the ${role} did not stop within ${SHUTDOWN_GRACE_MS} ms; it is ended`);
      process.exit(1);
    }, SHUTDOWN_GRACE_MS);
    await daemon.close();
    clearTimeout(late);
    log.info('stopped');
    // libp2p, when it stops listening, sets a timer of a second that nothing takes back: all that is ours is closed.
    process.exit(0);
  } finally {
    crash.off();
  }
}

/** The first SIGTERM or SIGINT; a second one ends the process at once. */
function firstSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let count = 0;
    const onSignal = (signal: NodeJS.Signals): void => {
      count += 1;
      if (count > 1) process.exit(130);
      resolve(signal);
    };
    process.on('SIGTERM', onSignal);
    process.on('SIGINT', onSignal);
  });
}

/**
 * After an exception that nobody caught the state is unknown: log it and end, the service manager starts anew and the
 * stores recover. Exceptions of a connection that is going away are the exception: libp2p throws them from event handlers.
 */
function dieOn(log: Logger): { off(): void } {
  const onError = (thrown: unknown): void => {
    const error = asBranchcastError(thrown);
    if (isConnectionEnd(thrown)) {
      log.debug({ err: error }, 'a connection ended outside any call');
      return;
    }
    log.fatal({ err: error }, 'an exception that nobody caught');
    process.exit(1);
  };
  process.on('uncaughtException', onError);
  process.on('unhandledRejection', onError);
  return {
    off() {
      process.off('uncaughtException', onError);
      process.off('unhandledRejection', onError);
    },
  };
}

/**
 * Names of js-libp2p's errors (of @libp2p/interface, @libp2p/utils and @libp2p/yamux) that a peer causes by going away or by breaking the protocol:
 * the connection is lost, the daemon is not.
 */
const CONNECTION_END_NAMES = new Set([
  'ConnectionClosedError', 'ConnectionClosingError', 'ConnectionFailedError', 'InvalidFrameError', 'MaxEarlyStreamsError', 'MuxerClosedError', 'ReceiveWindowExceededError',
  'StreamAbortedError', 'StreamBufferError', 'StreamClosedError', 'StreamResetError', 'StreamStateError', 'UnexpectedEOFError',
]);
const CONNECTION_END_CODES = new Set(['ECONNRESET', 'EPIPE']);

function isConnectionEnd(thrown: unknown): boolean {
  if (!(thrown instanceof Error)) return false;
  return CONNECTION_END_NAMES.has(thrown.name) || CONNECTION_END_CODES.has(String((thrown as NodeJS.ErrnoException).code));
}

/** A reader sees the whole file or none. */
function writeAtomically(path: string, text: string): void {
  const partial = `${path}.${process.pid}.partial`;
  writeFileSync(partial, text);
  renameSync(partial, path);
}
