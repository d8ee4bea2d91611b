/**
 * A thread of the pool: runs one job after another.
 *
 * @module
 */
import { addBackendsOf } from "../backends.ts";
import type { Cell } from "../suite.ts";
import { perform } from "./here.ts";
import { cellKey, cellOf, type Job } from "./job.ts";
import { type Answer, ready } from "./pool.ts";

/** Made once: problems keep their data. */
const cells = new Map<string, Cell>();

async function answer(job: Job): Promise<Answer> {
  try {
    await addBackendsOf([job.backend]);
    const key = cellKey(job);
    const cell = cells.get(key) ?? await cellOf(job);
    cells.set(key, cell);
    return await perform(cell, job, () => Promise.resolve());
  } catch (error) {
    return { error: error instanceof Error ? error.stack ?? error.message : String(error) };
  }
}

/** The global of a thread, which the types of a page do not know. */
const thread = self as unknown as {
  onmessage: (event: MessageEvent<Job>) => void;
  postMessage(answer: Answer | typeof ready): void;
};
thread.onmessage = async ({ data }) => thread.postMessage(await answer(data));
thread.postMessage(ready);
