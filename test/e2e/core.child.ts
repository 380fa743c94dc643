/** A core in a process of its own: its data directory is the argument, its URL the first message to the parent. */
import { silentLog } from '../../src/base/log.ts';
import { startCore } from '../../src/core/core.ts';

const [dataDir = ''] = process.argv.slice(2);
const core = await startCore({ dataDir, listen: { host: '127.0.0.1', port: 0 }, packBytesTarget: 64 * 1024 * 1024, deltas: 'on', deltaCacheBytes: 1 << 30, repack: 'off', repackLevel: 9, repackQuiet: 1000, logLevel: 'silent' }, silentLog);
process.once('SIGTERM', () => {
  void core.close().then(() => process.disconnect());
});
process.send?.(core.api);
