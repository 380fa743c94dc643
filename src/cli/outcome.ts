/** What a command hands back: the same facts for programs and for people. */

export interface Outcome {
  /** Printed on stdout with --json. */
  readonly json: unknown;
  /** Printed on stdout without it. Empty: nothing. */
  readonly text: string;
  /** 0 done, 3 done in part or a difference was found; 1 a check failed. */
  readonly exitCode?: 0 | 1 | 3;
}

/** Columns side by side, the first row being the head; numbers of a column end together. */
export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const cells = [head, ...rows.map((row) => row.map(String))];
  const widths = head.map((_, column) => cells.reduce((width, row) => Math.max(width, (row[column] ?? '').length), 0));
  const numeric = head.map((_, column) => rows.length > 0 && rows.every((row) => /^-?[\d.,]+( ?[A-Za-z%]+)?$/.test(String(row[column] ?? ''))));
  return cells
    .map((row) => row.map((cell, column) => (numeric[column] === true ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0))).join('  ').trimEnd())
    .join('\n');
}

/** `name  value` lines, the values under each other. */
export function facts(pairs: readonly (readonly [string, string | number])[]): string {
  const width = Math.max(...pairs.map(([name]) => name.length));
  return pairs.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n');
}
