/** Sizes, rates and times as people write them. Units stand last in a name: `cacheSizeBytes`, `dialTimeoutMs`. */
import { BranchcastError } from './errors.ts';

export const KiB = 1024;
export const MiB = 1024 * KiB;
export const GiB = 1024 * MiB;

export const SECOND_MS = 1000;
export const MINUTE_MS = 60 * SECOND_MS;
export const HOUR_MS = 60 * MINUTE_MS;

/** IEC 80000-13 binary prefixes, and SI decimal ones: `GiB` is 2^30, `GB` is 10^9. */
const BYTE_UNITS: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1e3, KB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12,
  KiB, MiB, GiB, TiB: 1024 * GiB,
};

const DURATION_UNITS: Readonly<Record<string, number>> = {
  ms: 1, s: SECOND_MS, min: MINUTE_MS, h: HOUR_MS, d: 24 * HOUR_MS,
};

/** `200 GiB`, `1.5MB`, `0` -> bytes, a whole number >= 0. Throws BC_CONFIG_INVALID. */
export function parseBytes(text: string): number {
  return parseQuantity(text, BYTE_UNITS, 'a size such as "200 GiB"');
}

/** `5 s`, `250ms`, `0` -> milliseconds, a whole number >= 0. Throws BC_CONFIG_INVALID. */
export function parseDuration(text: string): number {
  return parseQuantity(text, DURATION_UNITS, 'a time such as "5 s"');
}

const BIT_RATE_UNITS: Readonly<Record<string, number>> = {
  bit: 1, kbit: 1e3, mbit: 1e6, gbit: 1e9, Mbit: 1e6, Gbit: 1e9,
};

/** `50mbit`, `1.5 Gbit/s` -> bits a second, at least 1. Throws BC_CONFIG_INVALID. */
export function parseBitRate(text: string): number {
  const rate = parseQuantity(text.replace(/\/s\s*$/, ''), BIT_RATE_UNITS, 'a rate such as "50mbit"');
  if (rate === 0) throw new BranchcastError('BC_CONFIG_INVALID', `"${text}" is no rate at which anything would arrive`);
  return rate;
}

function parseQuantity(text: string, units: Readonly<Record<string, number>>, wanted: string): number {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*$/.exec(text);
  const unit = match?.[2] ?? '';
  const amount = Number(match?.[1]);
  const factor = Object.hasOwn(units, unit) ? units[unit] : unit === '' && amount === 0 ? 1 : undefined;
  const value = Math.round(amount * (factor ?? Number.NaN));
  if (!Number.isSafeInteger(value)) {
    throw new BranchcastError('BC_CONFIG_INVALID', `"${text}" is not ${wanted}; units are ${Object.keys(units).join(', ')}`);
  }
  return value;
}

/** 1536 -> `1.5 KiB`. For people; never parsed back. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  for (const unit of ['B', 'KiB', 'MiB', 'GiB']) {
    if (Math.abs(value) < 1024) return `${shortNumber(value, unit === 'B')} ${unit}`;
    value /= 1024;
  }
  return `${shortNumber(value, false)} TiB`;
}

/** 90500 -> `1 min 31 s`. For people; never parsed back. */
export function formatDuration(ms: number): string {
  if (ms < SECOND_MS) return `${Math.round(ms)} ms`;
  if (ms < 10 * SECOND_MS) return `${(ms / SECOND_MS).toFixed(1)} s`;
  const seconds = Math.round(ms / SECOND_MS);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

function shortNumber(value: number, whole: boolean): string {
  return whole || Math.abs(value) >= 100 ? String(Math.round(value)) : value.toFixed(1);
}
