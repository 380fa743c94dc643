/**
 * What one configuration value may be. A setting says its type, its default, what it accepts and what it is for; the
 * loader (config.ts), the generated docs and the TypeScript type all come from it.
 */
import { resolve } from 'node:path';
import { parse as parseYaml } from 'yaml';
import { BranchcastError } from './errors.ts';
import { didYouMean } from './suggest.ts';
import { parseBytes, parseDuration } from './units.ts';

/** Where a value stands: `['assignments', 0, 'layer']`. */
export type SettingPath = readonly (string | number)[];

export interface ReadContext {
  /** Relative paths resolve against this folder. */
  readonly baseDir: string;
  report(path: SettingPath, problem: string): void;
}

export interface Setting<T> {
  readonly doc: string;
  /** Completes "expected …". */
  readonly expected: string;
  /** As it would stand in YAML; undefined: there is none. */
  readonly default: unknown;
  /** May be left out although there is no default. */
  readonly optional: boolean;
  /** The settings of one element, for a list of records: the docs list them. */
  readonly fields?: Readonly<Record<string, Setting<unknown>>>;
  /** The value as written in YAML, or as text of an environment variable or flag. Reports what is wrong, all of it. */
  read(raw: unknown, path: SettingPath, context: ReadContext): T | undefined;
}

export interface HostPort {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
}

interface SettingOptions<D> {
  readonly doc: string;
  readonly default?: D;
  readonly optional?: boolean;
}

type Bounds<D> = SettingOptions<D> & { readonly min?: D; readonly max?: D };
type Read<T, O> = Setting<O extends { readonly optional: true } ? T | undefined : T>;

/** A setting whose text `parse` understands; undefined or a BranchcastError from it is a problem. */
function scalar<T, O extends SettingOptions<unknown>>(options: O, expected: string, parse: (text: string, baseDir: string) => T | undefined): Read<T, O> {
  const made: Setting<T> = {
    doc: options.doc,
    expected,
    default: options.default,
    optional: options.optional ?? false,
    read(raw, path, context) {
      const text = typeof raw === 'string' ? raw.trim() : typeof raw === 'number' || typeof raw === 'boolean' ? String(raw) : undefined;
      const value = text === undefined ? undefined : attempt(() => parse(text, context.baseDir));
      if (value === undefined) context.report(path, `expected ${expected}, got ${show(raw)}`);
      return value;
    },
  };
  return made;
}

/** A quantity between `min` and `max`, which are written like the value itself. */
function bounded<D extends string | number, O extends Bounds<D>>(options: O, what: string, parse: (text: string) => number): Read<number, O> {
  const min = options.min === undefined ? Number.NEGATIVE_INFINITY : parse(String(options.min));
  const max = options.max === undefined ? Number.POSITIVE_INFINITY : parse(String(options.max));
  const expected = [what, options.min === undefined ? '' : `, at least ${options.min}`, options.max === undefined ? '' : `, at most ${options.max}`].join('');
  return scalar(options, expected, (text) => {
    const value = parse(text);
    return value >= min && value <= max ? value : undefined;
  });
}

export const setting = {
  text: <const O extends SettingOptions<string>>(options: O): Read<string, O> => scalar(options, 'a text', (text) => (text === '' ? undefined : text)),

  /** A file or folder. The value is absolute. */
  path: <const O extends SettingOptions<string>>(options: O): Read<string, O> =>
    scalar(options, 'a path', (text, baseDir) => (text === '' || text.includes('\0') ? undefined : resolve(baseDir, text))),

  /** The value carries no trailing slash. */
  url: <const O extends SettingOptions<string>>(options: O): Read<string, O> => scalar(options, 'a URL such as "http://core:7400"', parseHttpUrl),

  hostPort: <const O extends SettingOptions<string>>(options: O): Read<HostPort, O> =>
    scalar(options, 'an address such as "127.0.0.1:7400" or "[::1]:7400"', parseHostPort),

  /** Bytes. */
  bytes: <const O extends Bounds<string>>(options: O): Read<number, O> => bounded(options, 'a size such as "200 GiB"', parseBytes),

  /** Milliseconds. */
  duration: <const O extends Bounds<string>>(options: O): Read<number, O> => bounded(options, 'a time such as "5 s"', parseDuration),

  count: <const O extends Bounds<number>>(options: O): Read<number, O> =>
    bounded(options, 'a whole number', (text) => (/^\d{1,15}$/.test(text) ? Number(text) : Number.NaN)),

  flag: <const O extends SettingOptions<boolean>>(options: O): Read<boolean, O> =>
    scalar(options, 'true or false', (text) => (text === 'true' || text === '1' ? true : text === 'false' || text === '0' ? false : undefined)),

  oneOf: <const V extends string, const O extends SettingOptions<NoInfer<V>>>(values: readonly V[], options: O): Read<V, O> =>
    scalar(options, `one of ${values.join(', ')}`, (text) => values.find((value) => value === text)),

  /** In YAML a sequence; as text either YAML (`[a, b]`) or elements with commas between them. */
  list: <T>(element: Setting<T>, options: { readonly doc: string; readonly default?: readonly unknown[] }): Setting<readonly T[]> => {
    const expected = `a list, each ${element.expected}`;
    return {
      doc: options.doc,
      expected,
      default: options.default,
      optional: false,
      ...(element.fields === undefined ? {} : { fields: element.fields }),
      read(raw, path, context) {
        const items = typeof raw === 'string' ? splitList(raw) : raw;
        if (Array.isArray(items)) return items.map((item, index) => element.read(item, [...path, index], context) as T);
        context.report(path, `expected ${expected}, got ${show(raw)}`);
        return undefined;
      },
    };
  },

  record: <const F extends Readonly<Record<string, Setting<unknown>>>>(fields: F, options: { readonly doc?: string } = {}): Setting<FieldValues<F>> => ({
    doc: options.doc ?? '',
    expected: `a map of ${Object.keys(fields).join(', ')}`,
    default: undefined,
    optional: false,
    fields,
    read(raw, path, context) {
      if (typeof raw === 'object' && raw !== null && !Array.isArray(raw)) return readFields(fields, raw as Record<string, unknown>, path, context);
      context.report(path, `expected a map of ${Object.keys(fields).join(', ')}, got ${show(raw)}`);
      return undefined;
    },
  }),
};

export type FieldValues<F> = { readonly [K in keyof F]: F[K] extends Setting<infer T> ? T : never };

/** Reads every field, by its default where `raw` lacks it; reports what is unknown and what is missing. */
export function readFields<F extends Readonly<Record<string, Setting<unknown>>>>(fields: F, raw: Readonly<Record<string, unknown>>, path: SettingPath, context: ReadContext): FieldValues<F> {
  for (const key of Object.keys(raw)) {
    if (!Object.hasOwn(fields, key)) context.report([...path, key], `unknown key${didYouMean(key, Object.keys(fields))}`);
  }
  const values: Record<string, unknown> = {};
  for (const [key, field] of Object.entries(fields)) {
    // YAML's `key:` with nothing after it is null: the same as leaving the key out.
    const given = Object.hasOwn(raw, key) ? (raw[key] ?? undefined) : undefined;
    const value = given ?? field.default;
    if (value !== undefined) values[key] = field.read(value, [...path, key], context);
    else if (field.optional) values[key] = undefined;
    else context.report([...path, key], `missing; expected ${field.expected}`);
  }
  return values as FieldValues<F>;
}

function splitList(text: string): unknown {
  if (!text.trim().startsWith('[')) return text.split(',').map((item) => item.trim()).filter((item) => item !== '');
  try {
    return parseYaml(text);
  } catch {
    return undefined;
  }
}

function parseHttpUrl(text: string): string | undefined {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:') || url.search !== '' || url.hash !== '') return undefined;
  return url.href.replace(/\/+$/, '');
}

function parseHostPort(text: string): HostPort | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:/[\]]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  const host = match?.[1] ?? match?.[2];
  return host === undefined || !(port <= 65_535) ? undefined : { host, port };
}

export function formatHostPort({ host, port }: HostPort): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

function attempt<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch (error) {
    if (error instanceof BranchcastError) return undefined;
    throw error;
  }
}

function show(raw: unknown): string {
  const text = JSON.stringify(raw) ?? 'nothing';
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}
