/** How the rows of the growth benchmark are called: the plot finds them by these. */

export const FACTORS = [1, 4, 16] as const;
export const GROWTH_TABLE = 'cost at 1, 4 and 16 times the data';

/** `publish, 4 x` */
export function growthRow(what: string, factor: number): string {
  return `${what}, ${factor} x`;
}
