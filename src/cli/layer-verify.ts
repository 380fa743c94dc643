/** `branchcast layer verify`: compares a directory with a layer, byte by byte. Believes nothing that branchcast has noted about the directory. */
import type { Command } from 'commander';
import { formatBytes } from '../base/units.ts';
import { formatRoot } from '../chunking/digest.ts';
import { verifyTree, type Verification } from '../image/verify-tree.ts';
import type { PublishedLayer } from '../wan/api-messages.ts';
import { action, addCommand, type Invocation } from './command.ts';
import { CoreManifests } from './core-manifest.ts';
import { coreOption, withCore, type CoreOptions } from './core-url.ts';
import type { Outcome } from './outcome.ts';
import { requireLayer } from './require-layer.ts';

export function addVerifyCommand(group: Command): void {
  addCommand(group, 'verify', 'compare a directory with a layer, byte by byte; exit code 3 if they differ', ['branchcast layer verify /srv/debian base/debian@12.8', 'branchcast layer verify /srv/debian base/debian --json'])
    .argument('<dir>', 'directory to check')
    .argument('<layer>', 'name@version, name or root')
    .addOption(coreOption())
    .action(action(async (invocation, dir: string, ref: string, options: CoreOptions): Promise<Outcome> => verify(dir, ref, options, invocation)));
}

async function verify(dir: string, ref: string, options: CoreOptions, { signal, progress }: Invocation): Promise<Outcome> {
  return withCore(options, async (client) => {
    const layer = await requireLayer(client, ref, signal);
    progress.update('verify: reading the manifest');
    const manifest = await new CoreManifests(client, signal).open(layer.root);
    const found = await verifyTree(dir, manifest, {
      signal,
      onProgress: ({ entries, checkedBytes }) => progress.update(`verify: ${entries} of ${layer.entryCount} entries, ${formatBytes(checkedBytes)} of ${formatBytes(layer.logicalBytes)}`),
    });
    return outcome(dir, layer, found);
  });
}

function outcome(dir: string, layer: PublishedLayer, { differences, differenceCount, entryCount, checkedBytes }: Verification): Outcome {
  const name = `${layer.name}@${layer.version}`;
  const ok = differenceCount === 0;
  const unlisted = differenceCount - differences.length;
  const text = [
    ...differences.map(({ path, message }) => `${path}: ${message}`),
    ...(unlisted === 0 ? [] : [`… and ${unlisted} more`]),
    ok ? `${dir} is ${name}: ${entryCount} entries, ${formatBytes(checkedBytes)} of contents` : `${dir} differs from ${name} in ${differenceCount} places; pull the layer again to repair it`,
  ].join('\n');
  return { json: { ok, name: layer.name, version: layer.version, root: formatRoot(layer.root), entryCount, checkedBytes, differenceCount, differences }, text, exitCode: ok ? 0 : 3 };
}
