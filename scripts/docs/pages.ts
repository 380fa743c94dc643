/** The generated pages of docs/, by file name. */
import { readReferences } from '../../benchmarks/runner/result.ts';
import { configurationPage } from './configuration-page.ts';
import { errorsPage } from './errors-page.ts';
import { growthPlot } from './growth-plot.ts';
import { performanceFiguresPage } from './performance-figures-page.ts';

const references = readReferences();
const growth = references.find(({ name }) => name === 'growth');

export const generatedPages: Readonly<Record<string, () => string>> = {
  'docs/errors.md': errorsPage,
  'docs/configuration.md': configurationPage,
  'docs/performance-figures.md': () => performanceFiguresPage(references),
  ...(growth === undefined ? {} : { 'docs/growth.svg': () => growthPlot(growth) }),
};
