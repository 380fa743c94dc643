/** What a metric's name says: its heading, how its values are written, and which way is better. Units stand last in a name. */

const MB = 1e6;

/** `storedBytes` -> `stored MB`, `filesPerSecond` -> `files/s`, `wallSeconds` -> `wall s`. */
export function headingOf(metric: string): string {
  const named: Readonly<Record<string, string>> = { cpuSeconds: 'CPU s', peakRssBytes: 'RSS MB', mbPerSecond: 'MB/s', mbPerCpuSecond: 'MB/CPU s' };
  return named[metric] ?? words(metric)
    .replace(/ per CPU second$/, '/CPU s')
    .replace(/ per second$/, '/s')
    .replace(/ per gb seconds$/, ' s/GB')
    .replace(/ seconds$/, ' s')
    .replace(/ bytes$/, ' MB')
    .replace(/ kib$/, ' KiB')
    .replace(/ percent$/, ' %')
    .replace(/ count$/, '');
}

function words(metric: string): string {
  return metric.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`).replace(/\b(cpu|rss|wan)\b/gi, (word) => word.toUpperCase());
}

/** The number alone, three digits that mean something. */
export function formatMetric(metric: string, value: number): string {
  if (metric.endsWith('Bytes')) return digits(value / MB);
  return metric.endsWith('Count') ? String(value) : digits(value);
}

function digits(value: number): string {
  const size = Math.abs(value);
  if (size >= 100 || value === 0) return value.toFixed(0);
  if (size >= 10) return value.toFixed(1);
  return size >= 1 ? value.toFixed(2) : value.toPrecision(2);
}

/** Which way is better; undefined for what only describes: a number of files, a depth. */
export function betterOf(metric: string): 'lower' | 'higher' | undefined {
  if (/Per(Cpu)?Second$/.test(metric) || /^shared.*Percent$/.test(metric)) return 'higher';
  return /Count$|Percent$|Kib$/.test(metric) ? undefined : 'lower';
}

/** Metrics that a busy machine makes worse. */
export function isOfTime(metric: string): boolean {
  return /Seconds?$|Ms$/.test(metric);
}
