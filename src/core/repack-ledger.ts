/** Which layers were repacked for the WAN, and what came of it. */
import type { AbstractSublevel } from 'abstract-level';
import type { Level } from 'level';
import type { RepackedJson } from '../wan/api-messages.ts';

export class RepackLedger {
  readonly #layers: AbstractSublevel<Level, string | Buffer | Uint8Array, string, RepackedJson>;

  constructor(db: Level) {
    this.#layers = db.sublevel<string, RepackedJson>('repacked', { valueEncoding: 'json' });
  }

  /** By the layer's sequence number; undefined if it was not repacked. */
  of(sequence: number): RepackedJson | undefined {
    return this.#layers.getSync(String(sequence));
  }

  async note(sequence: number, repacked: RepackedJson): Promise<void> {
    await this.#layers.put(String(sequence), repacked);
  }
}
