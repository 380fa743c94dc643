/**
 * Configuration of a role: defaults < YAML file < `BRANCHCAST_<ROLE>_<KEY>` environment < flags. One schema is the source of
 * type, validation, environment names and docs/configuration.md. A key is the same in YAML, code and docs.
 */
import { readFileSync, statSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { isMap, isScalar, LineCounter, parseDocument, type Document } from 'yaml';
import { BranchcastError } from './errors.ts';
import { CONFIG_BYTES_MAX } from './limits/daemons.ts';
import { readFields, type FieldValues, type Setting, type SettingPath } from './setting.ts';
import { didYouMean } from './suggest.ts';

export { formatHostPort, setting, type HostPort } from './setting.ts';

export const ROLES = ['core', 'reflector', 'agent'] as const;
export type Role = (typeof ROLES)[number];

export interface ConfigSchema<F extends Readonly<Record<string, Setting<unknown>>> = Readonly<Record<string, Setting<unknown>>>> {
  readonly role: Role;
  readonly fields: F;
}

/** The type of a role's configuration: `type CoreConfig = ConfigValues<typeof coreConfig>`. */
export type ConfigValues<C> = C extends ConfigSchema<infer F> ? FieldValues<F> : never;

export interface LoadOptions {
  readonly file?: string | undefined;
  readonly env?: NodeJS.ProcessEnv;
  /** Flags, by key; undefined is a flag that was not given. As text or as they would stand in YAML. */
  readonly overrides?: Readonly<Record<string, unknown>>;
}

export interface LoadedConfig<V> {
  readonly values: V;
  /** For each key where its value came from: `default`, `file core.yaml:3`, `env BRANCHCAST_CORE_LISTEN`, `flag --listen`. */
  readonly origins: Readonly<Record<string, string>>;
  /** For each key what was written there: `200 GiB` where the value is a number of bytes. */
  readonly written: Readonly<Record<string, unknown>>;
  readonly warnings: readonly string[];
}

/** Variables of the process, which no role owns: the default of the CLI, and the one that switches native addons off. */
const PROCESS_ENV_NAMES: readonly string[] = ['BRANCHCAST_CORE_URL', 'BRANCHCAST_NATIVE'];

export function defineConfig<const F extends Readonly<Record<string, Setting<unknown>>>>(role: Role, fields: F): ConfigSchema<F> {
  return { role, fields };
}

/** `cacheQuotaBytes` of the reflector -> `BRANCHCAST_REFLECTOR_CACHE_QUOTA_BYTES`. */
export function envName(role: Role, key: string): string {
  return `BRANCHCAST_${role}_${separated(key, '_')}`.toUpperCase();
}

/** `cacheQuotaBytes` -> `--cache-quota-bytes`. */
export function flagName(key: string): string {
  return `--${separated(key, '-').toLowerCase()}`;
}

/** Throws BC_CONFIG_INVALID with every problem on a line of its own. */
export function loadConfig<F extends Readonly<Record<string, Setting<unknown>>>>(schema: ConfigSchema<F>, options: LoadOptions = {}): LoadedConfig<FieldValues<F>> {
  const file = options.file === undefined ? undefined : readConfigFile(options.file);
  const fileDir = options.file === undefined ? process.cwd() : dirname(resolve(options.file));
  const problems = [...(file?.problems ?? [])];
  const raw: Record<string, unknown> = { ...file?.values };
  const origins: Record<string, string> = {};
  // What comes from outside the file resolves paths against the working directory.
  const outside: Record<string, unknown> = {};

  for (const key of Object.keys(schema.fields)) {
    const name = envName(schema.role, key);
    const flag = options.overrides?.[key];
    const text = options.env?.[name];
    if (flag !== undefined) [outside[key], origins[key]] = [flag, `flag ${flagName(key)}`];
    else if (text !== undefined && text !== '') [outside[key], origins[key]] = [text, `env ${name}`];
    else origins[key] = (raw[key] ?? undefined) === undefined ? 'default' : `file ${file?.at([key]) ?? ''}`;
    if (key in outside) raw[key] = outside[key];
  }
  for (const key of Object.keys(options.overrides ?? {})) {
    if (!Object.hasOwn(schema.fields, key)) problems.push(`flag ${flagName(key)}: unknown key${didYouMean(key, Object.keys(schema.fields))}`);
  }

  const report = (path: SettingPath, problem: string): void => {
    const origin = origins[String(path[0])] ?? 'file';
    const place = origin.startsWith('file') ? (file?.at(path) ?? '') : origin === 'default' ? (options.file ?? `${schema.role} configuration`) : origin;
    problems.push(`${place}: ${showPath(path)}: ${problem}`);
  };
  const fromFile = readFields(schema.fields, Object.fromEntries(Object.entries(raw).filter(([key]) => !(key in outside))), [], {
    baseDir: fileDir,
    // A key that is missing in the file may be given outside it.
    report: (path, problem) => (String(path[0]) in outside ? undefined : report(path, problem)),
  });
  const values: Record<string, unknown> = { ...fromFile };
  for (const [key, value] of Object.entries(outside)) {
    values[key] = schema.fields[key]?.read(value, [key], { baseDir: process.cwd(), report });
  }

  if (problems.length > 0) {
    throw new BranchcastError('BC_CONFIG_INVALID', problems.join('\n'), { details: { role: schema.role, file: options.file, problemCount: problems.length } });
  }
  const written = Object.fromEntries(Object.entries(schema.fields).map(([key, field]) => [key, raw[key] ?? field.default]));
  return { values: values as FieldValues<F>, origins, written, warnings: unknownEnv(schema, options.env ?? {}) };
}

interface ConfigFile {
  readonly values: Readonly<Record<string, unknown>>;
  readonly problems: readonly string[];
  /** `core.yaml:12`: where that path, or the nearest thing above it, stands. */
  at(path: SettingPath): string;
}

function readConfigFile(path: string): ConfigFile {
  const name = displayPath(path);
  let text: string;
  try {
    if (statSync(path).size > CONFIG_BYTES_MAX) throw new Error(`larger than ${CONFIG_BYTES_MAX} bytes`);
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new BranchcastError('BC_CONFIG_INVALID', `${name}: cannot read the configuration file: ${(cause as Error).message}`, { details: { file: path }, cause });
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const at = (where: SettingPath): string => {
    const offset = offsetOf(document, where);
    return offset === undefined ? name : `${name}:${lines.linePos(offset).line}`;
  };
  const problems = document.errors.map((error) => `${name}:${lines.linePos(error.pos[0]).line}: ${error.message}`);
  if (problems.length > 0 || document.contents === null) return { values: {}, problems, at };
  if (!isMap(document.contents)) return { values: {}, problems: [`${name}:1: expected a map of keys and values`], at };
  try {
    return { values: document.toJS() as Record<string, unknown>, problems, at };
  } catch (error) {
    // Aliases that multiply beyond the parser's bound.
    return { values: {}, problems: [`${name}:1: ${(error as Error).message}`], at };
  }
}

/** Where the key of `path` stands in the text, or what is nearest above it. */
function offsetOf(document: Document.Parsed, path: SettingPath): number | undefined {
  for (let depth = path.length; depth > 0; depth -= 1) {
    const last = path[depth - 1];
    const parent = depth === 1 ? document.contents : document.getIn(path.slice(0, depth - 1), true);
    const key = isMap(parent) ? parent.items.find((pair) => isScalar(pair.key) && pair.key.value === last)?.key : document.getIn(path.slice(0, depth), true);
    const offset = (key as { range?: readonly number[] | null } | undefined)?.range?.[0];
    if (offset !== undefined) return offset;
  }
  return undefined;
}

function unknownEnv(schema: ConfigSchema, env: NodeJS.ProcessEnv): string[] {
  const known = Object.keys(schema.fields).map((key) => envName(schema.role, key));
  const others = ROLES.filter((role) => role !== schema.role).map((role) => envName(role, ''));
  return Object.keys(env)
    .filter((name) => name.startsWith('BRANCHCAST_') && !known.includes(name) && !PROCESS_ENV_NAMES.includes(name) && !others.some((prefix) => name.startsWith(prefix)))
    .map((name) => `environment variable ${name} is not known and has no effect${didYouMean(name, known)}`);
}

function separated(key: string, separator: string): string {
  return key.replaceAll(/([a-z0-9])([A-Z])/g, `$1${separator}$2`);
}

function showPath(path: SettingPath): string {
  return path.reduce<string>((text, part) => (typeof part === 'number' ? `${text}[${part}]` : text === '' ? part : `${text}.${part}`), '');
}

function displayPath(path: string): string {
  const near = relative(process.cwd(), path);
  return near === '' || near.startsWith('..') ? path : near;
}
