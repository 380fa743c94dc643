/** What the quickstart found out: one document for programs, the same as a text for people. */
import { formatBytes } from '../../src/base/units.ts';

export interface EndpointReport {
  readonly id: string;
  readonly matched: boolean;
  readonly seconds: number;
  readonly bytes: { readonly reflector: number; readonly peers: number; readonly core: number; readonly seed: number };
}

export interface StepReport {
  readonly layer: string;
  readonly root: string;
  readonly files: number;
  readonly logicalBytes: number;
  readonly chunks: number;
  readonly uniqueBytes: number;
  readonly storedBytes: number;
  readonly newStoredBytes: number;
  readonly wan: {
    /** As the core counts what it sends to the site: chunks, manifests and everything else. */
    readonly bytes: number;
    readonly chunkBytes: number;
    readonly manifestBytes: number;
    /** Chunk bytes over the WAN, by what the site lacked as the core stores it. 1.00 is perfect. */
    readonly amplification: number;
  };
  readonly seconds: { readonly publish: number; readonly wan: number; readonly lastEndpoint: number };
  readonly endpoints: readonly EndpointReport[];
}

export interface QuickstartReport {
  readonly ok: boolean;
  readonly steps: readonly StepReport[];
}

export function reportText({ ok, steps }: QuickstartReport): string {
  const matched = steps.flatMap((step) => step.endpoints).filter((endpoint) => endpoint.matched).length;
  const trees = steps.flatMap((step) => step.endpoints).length;
  return [...steps.map(stepText), ok ? `All ${trees} trees are the same as their source.` : `FAILED: ${matched} of ${trees} trees are the same as their source.`].join('\n\n');
}

function stepText(step: StepReport): string {
  const { wan, seconds } = step;
  const lines: [string, string][] = [
    ['layer', `${formatBytes(step.logicalBytes)} in ${step.files} files; ${step.chunks} chunks, ${formatBytes(step.uniqueBytes)} unique`],
    ['stored', `${formatBytes(step.storedBytes)}, of that new ${formatBytes(step.newStoredBytes)}`],
    ['WAN', `${formatBytes(wan.bytes)}: chunks ${formatBytes(wan.chunkBytes)}, manifests ${formatBytes(wan.manifestBytes)}; ${((100 * wan.bytes) / Math.max(1, step.storedBytes)).toFixed(2)} % of the layer as stored`],
    ['amplification', wan.amplification.toFixed(3)],
    ['seconds', `publish ${seconds.publish.toFixed(1)}, WAN ${seconds.wan.toFixed(1)}, last endpoint ${seconds.lastEndpoint.toFixed(1)}`],
  ];
  const endpoints = step.endpoints.map(({ id, matched, seconds: took, bytes }) =>
    [id.padEnd(12), (matched ? 'same' : 'DIFFERS').padEnd(9), `${took.toFixed(1)} s`.padStart(8), ...[bytes.reflector, bytes.peers, bytes.core, bytes.seed].map((count) => formatBytes(count).padStart(11))].join(''));
  return [
    `${step.layer}  ${step.root}`,
    ...lines.map(([name, value]) => `  ${name.padEnd(14)} ${value}`),
    `  ${'endpoint'.padEnd(12)}${'tree'.padEnd(9)}${'time'.padStart(8)}${['reflector', 'peers', 'core', 'own disk'].map((head) => head.padStart(11)).join('')}`,
    ...endpoints.map((line) => `  ${line}`),
  ].join('\n');
}
