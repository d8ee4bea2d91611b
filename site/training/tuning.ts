import { contenders } from "./contenders.ts";
import { tuningSteps } from "./lineup.ts";
import { makeRun, type RunOptions } from "./run.ts";

/** A chosen rate, and the losses by which it was chosen. */
export interface Choice {
  readonly rate: number;
  /** Loss on validation data by rate; nothing where there was no choice. */
  readonly tried: readonly (readonly [rate: number, loss: number])[];
}

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
): Promise<Choice> {
  const { rates } = contenders[options.contender];
  if (typeof rates === "number") return { rate: rates, tried: [] };
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
  const [rate] = tried.reduce((best, next) => next[1] < best[1] ? next : best);
  return { rate, tried };
}
