/** What a sample means for so many bytes. */
import type { Sample } from '../runner/benchmark.ts';

export function withSpeed(sample: Sample, bytes: number): Sample {
  const speed = (seconds = Number.NaN): number => bytes / 1e6 / seconds;
  return { ...sample, mbPerSecond: speed(sample['wallSeconds']), mbPerCpuSecond: speed(sample['cpuSeconds']) };
}
