/** Prometheus figures that are read from where they are kept at the moment of a scrape. */
import { Counter, Gauge, type Registry } from 'prom-client';

/** A count that only grows while the process lives. By convention its name ends in `_total`. */
export function exposeCounter(registry: Registry, name: string, help: string, read: () => number): void {
  new Counter({
    name,
    help,
    registers: [registry],
    collect() {
      this.reset();
      this.inc(read());
    },
  });
}

export function exposeGauge(registry: Registry, name: string, help: string, read: () => number): void {
  new Gauge({
    name,
    help,
    registers: [registry],
    collect() {
      this.set(read());
    },
  });
}
