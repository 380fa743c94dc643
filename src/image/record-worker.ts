/** Runs in a worker thread: looks at what a capture cache has records of. See capture-unchanged.ts. */
import { serveJobs } from '../base/serve-jobs.ts';
import { lookAtRecords, type RecordsToLookAt } from './look-at-records.ts';

/** The only job: all that it can claim. Answers how many blocks those were. */
serveJobs((shared: RecordsToLookAt) => (): number => {
  const looking = lookAtRecords(shared);
  for (;;) {
    const { done, value } = looking.next();
    if (done === true) return value.ownCount;
  }
});
