/** The generated pages of docs/, by file name. */
import { configurationPage } from './configuration-page.ts';
import { errorsPage } from './errors-page.ts';

export const generatedPages: Readonly<Record<string, () => string>> = {
  'docs/errors.md': errorsPage,
  'docs/configuration.md': configurationPage,
};
