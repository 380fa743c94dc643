import { defineConfig, setting, type ConfigValues } from '../base/config.ts';
import { LOG_LEVELS } from '../base/log.ts';

export const coreConfig = defineConfig('core', {
  dataDir: setting.path({ default: './branchcast-core', doc: 'Where the catalog and the packs live. Made if it is not there.' }),
  listen: setting.hostPort({ default: '127.0.0.1:7400', doc: 'Where publishers and sites reach the core. Port 0 takes any free port.' }),
  packBytesTarget: setting.bytes({ default: '64 MiB', min: '12 MiB', max: '4 GiB', doc: 'A pack is sealed when it has grown to about this.' }),
  logLevel: setting.oneOf(LOG_LEVELS, { default: 'info', doc: 'Least severity that is logged.' }),
});

export type CoreConfig = ConfigValues<typeof coreConfig>;
