/** What Linux has counted of a process that runs, this one or another, since its start (proc(5)). */
import { readFileSync } from 'node:fs';
import { KiB } from '../../src/base/units.ts';

type Pid = number | 'self';

/** Linux counts CPU time of processes in these (sysconf(_SC_CLK_TCK), 100 on every platform that Node runs on). */
const TICKS_PER_SECOND = 100;

/** User and system time: fields 14 and 15 of /proc/PID/stat, after the name in brackets, which may hold anything. */
export function cpuSeconds(pid: Pid): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** Bytes of memory by their name in /proc/PID/status: `VmHWM` is the highest resident memory so far. NaN if this kernel has no such line. */
export function statusBytes(pid: Pid, name: 'RssAnon' | 'VmHWM'): number {
  const kibibytes = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kibibytes) * KiB;
}
