import { contenders } from "./contenders.ts";
import { tuningSteps } from "./lineup.ts";
import { makeRun, type RunOptions } from "./run.ts";

/** Options of {@linkcode chooseRate}. */
export interface TuningOptions {
  /** Stops it. */
  readonly signal?: AbortSignal;
  /** Gets the number of rates tried, and that of all. */
  readonly onTried?: (done: number, of: number) => void;
}

/** Finds the rate of an optimizer: its own, or that with the least loss on validation data. */
export async function chooseRate(
  options: Omit<RunOptions, "rate" | "observed">,
  { signal, onTried }: TuningOptions = {},
): Promise<number> {
  const { rates } = contenders[options.contender];
  if (typeof rates === "number") return rates;
  const tried: [number, number][] = [];
  for (const rate of rates) {
    // Another seed than that of the run which is shown.
    const run = makeRun({ ...options, rate, observed: false, seed: options.seed + 1 });
    let loss: number;
    try {
      for (let step = 0; step < tuningSteps; step += 10) {
        signal?.throwIfAborted();
        run.step(10);
        await new Promise((resolve) => setTimeout(resolve)); // lets messages in
      }
      loss = (await run.score("validation")).loss;
    } finally {
      run.dispose();
    }
    tried.push([rate, Number.isFinite(loss) ? loss : Infinity]);
    onTried?.(tried.length, rates.length);
  }
  return tried.reduce((best, next) => next[1] < best[1] ? next : best)[0];
}
