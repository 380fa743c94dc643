/** Prometheus figures that are read from where they are kept at the moment of a scrape. */
import { Counter, Gauge, type Registry } from 'prom-client';

/** A count that only grows while the process lives. By convention its name ends in `_total`. */
export function exposeCounter(registry: Registry, name: string, help: string, read: () => number): void {
  registry.registerMetric(new Counter({
    name,
    help,
    registers: [],
    collect() {
      this.reset();
      this.inc(read());
    },
  }));
}

export function exposeGauge(registry: Registry, name: string, help: string, read: () => number): void {
  registry.registerMetric(new Gauge({
    name,
    help,
    registers: [],
    collect() {
      this.set(read());
    },
  }));
}
