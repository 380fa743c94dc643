/** `branchcast config`: check a file, show what a daemon would run with and where each value comes from. */
import { Argument, type Command } from 'commander';
import { stringify } from 'yaml';
import { formatHostPort, loadConfig, ROLES, type ConfigSchema, type HostPort, type LoadedConfig, type Role } from '../base/config.ts';
import { action, addCommand, addGroup } from './command.ts';
import { configSchemas } from './config-schemas.ts';
import type { Outcome } from './outcome.ts';

export function addConfigCommands(program: Command): void {
  const group = addGroup(program, 'config', 'check and show configuration', ['branchcast config check core config/core.yaml', 'branchcast config show agent --origin']);

  addCommand(group, 'check', 'check a configuration file; lists every problem with its line', ['branchcast config check reflector /etc/branchcast/reflector.yaml'])
    .addArgument(roleArgument())
    .argument('[file]', 'YAML file; without one, defaults and environment are checked')
    .action(action(async (_invocation, role: Role, file: string | undefined): Promise<Outcome> => {
      const { warnings } = load(role, file);
      const text = [`${file ?? `${role} configuration`}: good`, ...warnings.map((warning) => `warning: ${warning}`)].join('\n');
      return { json: { ok: true, role, file, warnings }, text };
    }));

  addCommand(group, 'show', 'show the configuration that a daemon would run with', ['branchcast config show core config/core.yaml --origin', 'branchcast config show agent --json'])
    .addArgument(roleArgument())
    .argument('[file]', 'YAML file')
    .option('--origin', 'say of each value where it comes from')
    .action(action(async (_invocation, role: Role, file: string | undefined, options: { origin?: boolean }): Promise<Outcome> => {
      const loaded = load(role, file);
      const { values, origins } = loaded;
      return { json: options.origin === true ? { values, origins } : { values }, text: showYaml(loaded, options.origin === true) };
    }));
}

function roleArgument(): Argument {
  return new Argument('<role>', 'whose configuration').choices(ROLES);
}

/** Each role's values differ in type; these commands only print them. */
function load(role: Role, file: string | undefined): LoadedConfig<Readonly<Record<string, unknown>>> {
  const schema: ConfigSchema = configSchemas[role];
  return loadConfig(schema, { file, env: process.env });
}

/** YAML that, as a configuration file, gives the same values: paths are absolute, sizes are as they were written. */
function showYaml({ values, origins, written }: LoadedConfig<Readonly<Record<string, unknown>>>, withOrigins: boolean): string {
  return Object.entries(values)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => {
      const shown = typeof value === 'number' ? written[key] : isHostPort(value) ? formatHostPort(value) : value;
      return `${withOrigins ? `# ${origins[key] ?? ''}\n` : ''}${stringify({ [key]: shown }, { lineWidth: 0 }).trimEnd()}`;
    })
    .join('\n');
}

function isHostPort(value: unknown): value is HostPort {
  return typeof value === 'object' && value !== null && 'host' in value && 'port' in value;
}
