/** `branchcast layer`: each verb has a file of its own. */
import type { Command } from 'commander';
import { addCommands, addGroup, type Commands } from './command.ts';

/** In the order of the help. */
const VERBS: Commands = {
  publish: async () => (await import('./layer-publish.ts')).addPublishCommand,
  list: async () => (await import('./layer-list.ts')).addListCommand,
  show: async () => (await import('./layer-show.ts')).addShowCommand,
  diff: async () => (await import('./layer-diff.ts')).addDiffCommand,
  plan: async () => (await import('./layer-plan.ts')).addPlanCommand,
  pull: async () => (await import('./layer-pull.ts')).addPullCommand,
  verify: async () => (await import('./layer-verify.ts')).addVerifyCommand,
  export: async () => (await import('./layer-export.ts')).addExportCommand,
  import: async () => (await import('./layer-import.ts')).addImportCommand,
};

export async function addLayerCommands(program: Command, words: readonly string[]): Promise<void> {
  const group = addGroup(program, 'layer', 'publish, look at, pull and verify layers', [
    'branchcast layer publish ./tree --name base/debian --version 12.8',
    'branchcast layer diff base/debian@12.7 base/debian@12.8',
    'branchcast layer pull base/debian /srv/debian --reflector /ip4/10.10.0.1/tcp/7410',
  ]);
  await addCommands(group, VERBS, words);
}
