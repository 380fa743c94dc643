import { defineConfig, setting, type ConfigValues } from '../base/config.ts';
import { LOG_LEVELS } from '../base/log.ts';

export const reflectorConfig = defineConfig('reflector', {
  dataDir: setting.path({ default: './branchcast-reflector', doc: 'Where the cache and the identity of this reflector live. Made if it is not there.' }),
  site: setting.text({ default: 'default', doc: 'Name of the site (branch) that this reflector serves.' }),
  coreUrl: setting.url({ default: 'http://127.0.0.1:7400', doc: 'Address of the core, over the WAN.' }),
  apiListen: setting.hostPort({ default: '127.0.0.1:7411', doc: 'Local HTTP API: status, scrub, metrics. Port 0 takes any free port.' }),
  lanListen: setting.list(setting.text({ doc: 'A libp2p multiaddr.' }), {
    default: ['/ip4/127.0.0.1/tcp/7410'],
    doc: 'Where the endpoints of the site reach this reflector. Loopback until you name an address of the LAN, such as /ip4/0.0.0.0/tcp/7410.',
  }),
  cacheQuotaBytes: setting.bytes({ default: '200 GiB', min: '16 MiB', doc: 'The cache never takes more of the disk than this; what was not used for long makes room.' }),
  prefetch: setting.list(setting.text({ doc: 'A layer name, or a beginning of names that ends in "*".' }), {
    default: [],
    doc: 'Layers to fetch as soon as they are published, before an endpoint asks. ["*"] for all.',
  }),
  pinned: setting.list(setting.text({ doc: 'A layer: name@version, or a name for its newest version.' }), {
    default: [],
    doc: 'Layers that are fetched and never evicted from the cache.',
  }),
  deltas: setting.oneOf(['on', 'off'], { default: 'on', doc: 'Whether what changed in a layer comes as deltas against an older version that is in the cache.' }),
  reportIntervalMs: setting.duration({ default: '30 s', min: '1 s', doc: 'How often this reflector tells the core what it did.' }),
  logLevel: setting.oneOf(LOG_LEVELS, { default: 'info', doc: 'Least severity that is logged.' }),
});

export type ReflectorConfig = ConfigValues<typeof reflectorConfig>;
