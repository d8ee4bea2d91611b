/**
 * Helpers of these tests: what is asked for, run on a lane.
 *
 * @module
 */
import type { Surroundings } from "../device.ts";
import { planOf } from "../protocol.ts";
import { type Results, schemaVersion } from "../rows.ts";
import { type Cell, cellsOf, type Request, sort } from "../suite.ts";
import { hereLane } from "./here.ts";
import type { Lane } from "./lane.ts";
import { schedule } from "./schedule.ts";

/** Runs what is asked for on a lane, to results in the order of the suite. */
export async function resultsOf(
  request: Request,
  lane: Lane,
  cells: readonly Cell[] = cellsOf(request),
): Promise<Results> {
  const results: Results = { schemaVersion, command: "", rows: [], sensitivity: [] };
  const listener = { starting() {}, finished() {}, changed() {} };
  const plans = cells.map((cell) => planOf(cell, results, { ...request, ...listener }));
  await schedule(plans, [lane], listener);
  sort(results, request);
  return results;
}

/** The same in this thread. */
export function localResults(
  request: Request,
  surroundings: Surroundings,
  cells: readonly Cell[] = cellsOf(request),
): Promise<Results> {
  const breathe = () => Promise.resolve();
  const placed = cells.map((cell) => ({ cell }));
  return resultsOf(request, hereLane(placed, { surroundings, breathe }), cells);
}

/** Results without what no two runs have in common. */
export function withoutSeconds(results: Results): Results {
  const rows = results.rows.map((row) => ({
    ...row,
    secondsToTarget: row.secondsToTarget === null ? null : 0,
  }));
  return { ...results, rows };
}
