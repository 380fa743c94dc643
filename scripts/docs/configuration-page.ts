/** docs/configuration.md, from the schemas of the three roles. */
import { envName, type ConfigSchema } from '../../src/base/config.ts';
import type { Setting } from '../../src/base/setting.ts';
import { configSchemas } from '../../src/cli/config-schemas.ts';

export function configurationPage(): string {
  return `# Configuration

<!-- Generated from the config.ts of each role by \`npm run docs\`. -->

Each daemon reads one YAML file (\`--config FILE\`; the files in \`config/\` are complete and loadable as they are). A value is looked for in this order, the
last one found wins: default, file, environment variable, flag. \`branchcast config show ROLE --origin\` says which one it was.

- Sizes and times carry units: \`200 GiB\`, \`1.5 MB\` (B, kB, MB, GB, TB, KiB, MiB, GiB, TiB); \`5 s\`, \`250 ms\` (ms, s, min, h, d).
- Relative paths in a file resolve against the folder of that file; those of flags and environment variables against the working directory.
- A list in an environment variable or a flag is written with commas (\`a,b\`) or as YAML (\`[{ layer: base/debian, target: /srv/debian }]\`).
- An unknown key is an error. \`branchcast config check ROLE FILE\` lists every problem with its line.

${Object.values(configSchemas).map(rolePage).join('\n')}`;
}

function rolePage(schema: ConfigSchema): string {
  const rows = Object.entries(schema.fields).flatMap(([key, setting]) => [
    `| \`${key}\` | ${shownDefault(setting)} | ${cell(setting)} | \`${envName(schema.role, key)}\` |`,
    ...Object.entries(setting.fields ?? {}).map(([field, inner]) => `| \`${key}[].${field}\` | ${shownDefault(inner)} | ${cell(inner)} | |`),
  ]);
  return `## ${schema.role}

| key | default | what it is | environment variable |
|---|---|---|---|
${rows.join('\n')}
`;
}

function cell(setting: Setting<unknown>): string {
  return `${setting.doc} *${setting.expected}*`.replaceAll('|', '\\|').trim();
}

function shownDefault(setting: Setting<unknown>): string {
  if (setting.default !== undefined) return `\`${typeof setting.default === 'string' ? setting.default : JSON.stringify(setting.default)}\``;
  return setting.optional ? 'none' : '**required**';
}
