import { defineConfig, setting, type ConfigValues } from '../base/config.ts';
import { LOG_LEVELS } from '../base/log.ts';

export const coreConfig = defineConfig('core', {
  dataDir: setting.path({ default: './branchcast-core', doc: 'Where the catalog and the packs live. Made if it is not there.' }),
  listen: setting.hostPort({ default: '127.0.0.1:7400', doc: 'Where publishers and sites reach the core. Port 0 takes any free port.' }),
  packBytesTarget: setting.bytes({ default: '64 MiB', min: '12 MiB', max: '4 GiB', doc: 'A pack is sealed when it has grown to about this.' }),
  deltas: setting.oneOf(['on', 'off'], { default: 'on', doc: 'Whether sites that hold an older version of a layer get what changed as deltas.' }),
  deltaCacheBytes: setting.bytes({ default: '10 GiB', min: '1 MiB', doc: 'Deltas that were made are kept in so much of the disk; those not used for long make room.' }),
  repack: setting.oneOf(['on', 'off'], { default: 'on', doc: 'Repack hot layers for the WAN in the background, on one thread, while nobody publishes. Off: only when asked to (`core repack`).' }),
  repackLevel: setting.count({ default: 16, min: 1, max: 19, doc: 'zstd level of repacked frames. 9 costs about a tenth of the processor time of 16 and saves less.' }),
  repackQuiet: setting.duration({ default: '60 s', min: '1 s', max: '24 h', doc: 'Repacking waits until nobody has published for so long.' }),
  logLevel: setting.oneOf(LOG_LEVELS, { default: 'info', doc: 'Least severity that is logged.' }),
});

export type CoreConfig = ConfigValues<typeof coreConfig>;
