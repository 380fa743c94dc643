/** The single checks of `branchcast doctor`. Each says how it stands and, unless all is well, what to do. */
import { access, constants, statfs } from 'node:fs/promises';
import { createServer } from 'node:net';
import { delimiter, dirname, join } from 'node:path';
import { asBranchcastError } from '../base/errors.ts';
import { CLOCK_SKEW_MS_MAX, DISK_FREE_BYTES_MIN } from '../base/limits/commands.ts';
import { LOCAL_API_TIMEOUT_MS } from '../base/limits/daemons.ts';
import { formatBytes, formatDuration } from '../base/units.ts';
import { hashImplementation } from '../chunking/hash.ts';
import { posixSupport } from '../image/posix.ts';
import { HttpAgent } from '../wan/http-agent.ts';

export interface Check {
  readonly name: string;
  readonly status: 'ok' | 'warn' | 'fail';
  readonly message: string;
  readonly advice?: string;
}

export function checkNode(): Check {
  // main.ts refuses older ones.
  return { name: 'Node.js', status: 'ok', message: process.versions.node };
}

export async function checkNative(): Promise<Check[]> {
  const support = posixSupport();
  const lacking = Object.entries(support).filter(([, there]) => there === false).map(([name]) => name);
  return [
    hashImplementation === 'native'
      ? { name: 'BLAKE3', status: 'ok', message: 'native' }
      : { name: 'BLAKE3', status: 'warn', message: 'portable (WebAssembly): about a sixth of the native speed', advice: 'Run `npm ci` on this machine so that the addon for this platform is installed; unset BRANCHCAST_NATIVE.' },
    lacking.length === 0
      ? { name: 'system calls', status: 'ok', message: 'all are there (koffi)' }
      : { name: 'system calls', status: 'warn', message: support.problem ?? `lacking: ${lacking.join(', ')}`, advice: 'Layers are applied all the same, by slower ways.' },
    await checkIndex(),
  ];
}

async function checkIndex(): Promise<Check> {
  const name = 'index (LevelDB)';
  try {
    await import('level');
    return { name, status: 'ok', message: 'native addon loads' };
  } catch (thrown) {
    return { name, status: 'fail', message: asBranchcastError(thrown).message, advice: 'Run `npm ci` on this machine; stores cannot be opened without it.' };
  }
}

/** The directory, or the nearest one above it that exists, must be writable and have room. */
export async function checkDataDir(dir: string): Promise<Check> {
  const name = `data directory ${dir}`;
  let there = dir;
  while (!(await exists(there)) && there !== dirname(there)) there = dirname(there);
  try {
    await access(there, constants.W_OK | constants.X_OK);
  } catch {
    return { name, status: 'fail', message: `${there} cannot be written`, advice: 'Give this user the right, or set another dataDir.' };
  }
  const { bavail, bsize } = await statfs(there);
  const freeBytes = bavail * bsize;
  return freeBytes >= DISK_FREE_BYTES_MIN
    ? { name, status: 'ok', message: `writable, ${formatBytes(freeBytes)} free` }
    : { name, status: 'warn', message: `only ${formatBytes(freeBytes)} free`, advice: `Free at least ${formatBytes(DISK_FREE_BYTES_MIN)}, or set another dataDir.` };
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(() => true, () => false);
}

/** Each address as `host port`. */
export async function addressChecks(addresses: readonly string[]): Promise<Check[]> {
  return Promise.all(addresses.map(async (address) => {
    const [host = '', port = ''] = address.split(' ');
    const name = `listen address ${host}:${port}`;
    const problem = await bindProblem(host, Number(port));
    if (problem === undefined) return { name, status: 'ok', message: 'free' };
    const taken = problem.code === 'EADDRINUSE';
    return {
      name,
      status: taken ? 'warn' : 'fail',
      message: taken ? 'in use' : problem.message,
      advice: taken ? 'Well if the daemon runs already; otherwise end the process that has it, or choose another port.' : 'Set an address that this machine has.',
    };
  }));
}

function bindProblem(host: string, port: number): Promise<NodeJS.ErrnoException | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', resolve);
    server.listen({ host, port, exclusive: true }, () => {
      server.close(() => resolve(undefined));
    });
  });
}

export async function checkCore(url: string, signal: AbortSignal): Promise<Check[]> {
  const name = `core ${url}`;
  const agent = new HttpAgent({ headersTimeout: LOCAL_API_TIMEOUT_MS, bodyTimeout: LOCAL_API_TIMEOUT_MS });
  try {
    const { origin, pathname } = new URL(`${url}/v1/health`);
    const answer = await agent.request({ origin, path: pathname, method: 'GET', signal });
    await answer.body.dump();
    if (answer.statusCode !== 200) return [{ name, status: 'fail', message: `answers with status ${answer.statusCode}`, advice: 'Something else listens there: check the address.' }];
    return [{ name, status: 'ok', message: 'answers' }, checkClock(String(answer.headers['date'] ?? ''))];
  } catch (thrown) {
    return [{ name, status: 'warn', message: `does not answer: ${asBranchcastError(thrown).message}`, advice: 'Start it with `branchcast core start`, or set coreUrl (BRANCHCAST_CORE_URL) to its address.' }];
  } finally {
    await agent.destroy();
  }
}

/** Against the core's Date header, which has whole seconds (RFC 9110, 6.6.1). */
export function checkClock(dateHeader: string, nowMs: number = Date.now()): Check {
  const skewMs = nowMs - Date.parse(dateHeader);
  if (Number.isNaN(skewMs)) return { name: 'clock', status: 'warn', message: 'the core does not say its time', advice: 'Check that no proxy drops the Date header.' };
  const text = `${formatDuration(Math.abs(skewMs))} ${skewMs < 0 ? 'behind' : 'ahead of'} the core`;
  return Math.abs(skewMs) <= CLOCK_SKEW_MS_MAX
    ? { name: 'clock', status: 'ok', message: text }
    : { name: 'clock', status: 'warn', message: text, advice: 'Let NTP set the clocks: schedules and signatures depend on them.' };
}

/** Only scripts/netlab and the end-to-end tests need them. */
export async function checkNamespaces(): Promise<Check> {
  const name = 'network namespaces (for scripts/netlab only)';
  const problem = process.getuid?.() !== 0 ? 'not root' : (await isOnPath('ip')) ? undefined : 'the program `ip` is missing';
  if (problem === undefined) return { name, status: 'ok', message: 'root and iproute2 are there' };
  return { name, status: 'warn', message: problem, advice: 'No daemon needs them. The tests of a whole branch run as root with iproute2 installed and are skipped otherwise.' };
}

async function isOnPath(program: string): Promise<boolean> {
  const found = await Promise.all((process.env['PATH'] ?? '').split(delimiter).map((dir) => exists(join(dir, program))));
  return found.includes(true);
}

export function checkTrust(listen: readonly string[]): Check {
  const open = listen.filter((address) => !/^(127\.|localhost |::1 )/.test(address));
  const where = open.length === 0 ? '' : `; this configuration listens beyond loopback: ${open.map((address) => address.replace(' ', ':')).join(', ')}`;
  return {
    name: 'trust',
    status: 'warn',
    message: `the network is believed: peers and callers are not authenticated yet${where}`,
    advice: 'Listen in trusted networks only. Every chunk is verified in any case; who may publish and read is not checked.',
  };
}
