import { defineConfig, setting, type ConfigValues } from '../base/config.ts';
import { LOG_LEVELS } from '../base/log.ts';

export const agentConfig = defineConfig('agent', {
  dataDir: setting.path({ default: './branchcast-agent', doc: 'Where the identity of this endpoint lives. Made if it is not there.' }),
  site: setting.text({ default: 'default', doc: 'Name of the site (branch) that this endpoint belongs to.' }),
  reflectors: setting.list(setting.text({ doc: 'A multiaddr such as /ip4/10.10.0.1/tcp/7410, with or without /p2p/<peer id>.' }), {
    default: [],
    doc: "The site's reflectors, the preferred one first.",
  }),
  coreUrl: setting.url({ optional: true, doc: 'Address of the core. Used for reports, and for layers if coreFallback allows it. None: this endpoint never uses the WAN.' }),
  coreFallback: setting.oneOf(['allow', 'never'], {
    default: 'allow',
    doc: 'Whether layers may come from the core, over the WAN, when no reflector helps. "never" is always-reflector mode.',
  }),
  coreFallbackAfterMs: setting.duration({
    default: '60 s',
    doc: 'How long the reflectors may be of no help before the core is asked. With no reflector configured the core is asked at once.',
  }),
  deltas: setting.oneOf(['on', 'off'], { default: 'on', doc: 'Whether what changed in a layer comes from the core as deltas against the version that is there. A reflector has a setting of its own.' }),
  spare: setting.oneOf(['on', 'off'], {
    default: 'on',
    doc: 'Whether a second tree of the same files is kept beside each directory: an update is made of it, and takes as long as what it changes. It takes room for its directories (4 KiB each, and more for one with many names), and for what somebody deletes in the directory until the next update. Off: that of a directory goes with its next update.',
  }),
  assignments: setting.list(
    setting.record({
      layer: setting.text({ doc: 'name@version, or a name to follow its newest version.' }),
      target: setting.path({ doc: 'Directory that becomes the layer.' }),
      adopt: setting.flag({ default: false, doc: 'Replace files in the directory that branchcast did not put there.' }),
    }),
    { default: [], doc: 'What this endpoint shall hold.' },
  ),
  pollIntervalMs: setting.duration({ default: '30 s', min: '100 ms', doc: 'How often a newer version is looked for, and how long to wait after a failure.' }),
  driftCheckIntervalMs: setting.duration({
    default: '1 h',
    min: '1 s',
    doc: 'How often the files of an applied layer are looked at, and those that somebody changed written anew. A look reads no contents, but every inode.',
  }),
  reportIntervalMs: setting.duration({ default: '60 s', min: '1 s', doc: 'How often this endpoint tells the core what it did, if coreUrl is set.' }),
  apiListen: setting.hostPort({ default: '127.0.0.1:7421', doc: 'Local HTTP API: status, metrics. Port 0 takes any free port.' }),
  logLevel: setting.oneOf(LOG_LEVELS, { default: 'info', doc: 'Least severity that is logged.' }),
});

export type AgentConfig = ConfigValues<typeof agentConfig>;
