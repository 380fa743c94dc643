/** Cuts a stream of delta frames that stand one after the other, within the bounds of one. */
import { splitByForm, type FrameForm } from '../store/frame-stream.ts';
import { DELTA_FIXED_BYTES, deltaNeeds, malformedDelta, parseDeltaHeader } from './delta-header.ts';

const DELTA_FORM: FrameForm = { needs: deltaNeeds, startBytes: DELTA_FIXED_BYTES, check: parseDeltaHeader, malformed: malformedDelta };

/** Whole delta frames, in order; their payloads are not checked. Throws BC_FRAME_MALFORMED; also when the stream ends inside one. */
export function splitDeltas(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  return splitByForm(stream, DELTA_FORM);
}
