/** Watches a branch until every endpoint has a version, and measures the WAN meanwhile as the core counts it. */
import { formatBytes } from '../../src/base/units.ts';
import type { Branch } from '../branch/branch.ts';
import { pause, type Daemon } from '../branch/daemon.ts';
import { progressText, type ProcessLine, type Screen } from './screen.ts';

const LOOK_EVERY_MS = 200;
/** Nothing moved for this long: it will not be done. */
const STALL_MS = 120_000;

export interface WanCount {
  readonly bytes: number;
  readonly chunkBytes: number;
  readonly manifestBytes: number;
}

export interface Watched {
  /** From the start of the watch: when the last chunk byte crossed the WAN, and when the last endpoint was done. */
  readonly wanSeconds: number;
  readonly lastSeconds: number;
  readonly endpoints: readonly AssignmentStatus[];
}

/** The part of an agent's status that is looked at. */
interface AssignmentStatus {
  readonly state: string;
  readonly version?: string;
  readonly seconds?: number;
  readonly bytes: { readonly reflector: number; readonly peers: number; readonly core: number; readonly seed: number };
  readonly progress?: { readonly doneBytes: number; readonly neededBytes: number };
  readonly error?: { readonly code: string; readonly message: string };
}

interface ReflectorStatus {
  readonly cache: { readonly storedBytes: number };
  readonly connectionCount: number;
}

/** What the core sent to the site so far. */
export async function wanCount(branch: Branch): Promise<WanCount> {
  const { sites } = await branch.core.api<{ sites: readonly { readonly name: string; readonly wan: WanCount }[] }>('/v1/sites');
  return sites.find((site) => site.name === 'branch')?.wan ?? { bytes: 0, chunkBytes: 0, manifestBytes: 0 };
}

async function assignmentOf(agent: Daemon): Promise<AssignmentStatus> {
  const { assignments } = await agent.api<{ assignments: readonly AssignmentStatus[] }>('/v1/status');
  const [assignment] = assignments;
  if (assignment === undefined) throw new Error(`${agent.spec.name} has no assignment`);
  return assignment;
}

export async function watchUntilApplied(branch: Branch, version: string, screen: Screen, signal: AbortSignal): Promise<Watched> {
  const startedMs = performance.now();
  const seconds = (): number => (performance.now() - startedMs) / 1000;
  let wanSeconds = 0;
  let seen = '';
  let movedMs = startedMs;
  let chunkBytes = (await wanCount(branch)).chunkBytes;

  for (;;) {
    signal.throwIfAborted();
    const [wan, reflector, endpoints] = await Promise.all([
      wanCount(branch),
      branch.reflector.api<ReflectorStatus>('/v1/status'),
      Promise.all(branch.agents.map((agent) => assignmentOf(agent))),
    ]);
    if (wan.chunkBytes !== chunkBytes) wanSeconds = seconds();
    chunkBytes = wan.chunkBytes;
    screen.show([
      { name: 'core', what: `sent ${formatBytes(wan.bytes)} to the site` },
      { name: 'reflector', what: `cache ${formatBytes(reflector.cache.storedBytes)}, ${reflector.connectionCount} connected` },
      ...endpoints.map((endpoint, index) => endpointLine(`agent ${index + 1}`, endpoint, version)),
    ]);
    if (endpoints.every((endpoint) => isApplied(endpoint, version))) return { wanSeconds, lastSeconds: seconds(), endpoints };

    const now = JSON.stringify([wan.chunkBytes, endpoints.map(({ state, version: has, progress }) => [state, has, progress])]);
    if (now !== seen) movedMs = performance.now();
    seen = now;
    if (performance.now() - movedMs > STALL_MS) throw new Error(`nothing moved for ${STALL_MS / 1000} s: ${endpoints.map((endpoint, index) => `agent ${index + 1} ${stateText(endpoint)}`).join('; ')}`);
    await pause(LOOK_EVERY_MS);
  }
}

function isApplied(endpoint: AssignmentStatus, version: string): boolean {
  return endpoint.state === 'applied' && endpoint.version === version;
}

function endpointLine(name: string, endpoint: AssignmentStatus, version: string): ProcessLine {
  const { progress } = endpoint;
  if (isApplied(endpoint, version)) return { name, what: `has ${version}`, done: 1 };
  if (progress === undefined) return { name, what: stateText(endpoint), done: 0 };
  return { name, what: progressText(progress.doneBytes, progress.neededBytes), done: progress.doneBytes / Math.max(1, progress.neededBytes) };
}

function stateText({ state, error }: AssignmentStatus): string {
  if (error?.code === 'BC_LAYER_NOT_FOUND') return 'waiting for the layer';
  return error === undefined ? state : `${state} (${error.code}: ${error.message})`;
}
