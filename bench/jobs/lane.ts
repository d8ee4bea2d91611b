/** @module */
import type { Done, Job } from "./job.ts";

/** Where jobs run, a number of them at once. */
export interface Lane {
  /** Jobs that it takes at once. */
  readonly size: number;
  accepts(job: Job): boolean;
  /** Runs a job; says when it starts and, if it is not here, where. */
  run(job: Job, started: (where?: string) => void): Promise<Done>;
  /** Ends what still runs; `complete` says that everything asked for is done. */
  close(complete: boolean): Promise<void>;
}
