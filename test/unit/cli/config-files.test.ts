import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { parse } from 'yaml';
import { loadConfig, ROLES, type ConfigSchema } from '../../../src/base/config.ts';
import { configSchemas } from '../../../src/cli/config-schemas.ts';

for (const role of ROLES) {
  await t.test(`config/${role}.yaml`, async (t) => {
    const schema: ConfigSchema = configSchemas[role];
    const file = fileURLToPath(new URL(`../../../config/${role}.yaml`, import.meta.url));
    const { origins } = loadConfig(schema, { file });
    t.strictSame(Object.keys(parse(readFileSync(file, 'utf8')) as object).toSorted(), Object.keys(schema.fields).toSorted(), 'names every key');
    t.ok(Object.values(origins).every((origin) => origin.startsWith('file ')));
  });
}
