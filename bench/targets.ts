/**
 * `deno run -A bench/targets.ts`: fixes what the networks reach for, before anything is compared.
 *
 * The host's Adam runs over its grid on the tuning seed, without test data, and the rate is chosen as
 * for every method. Run once for a new problem, or one that has changed; targets that are there stay.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { command, names, parseArguments } from "./cli.ts";
import { exitCode } from "./exit.ts";
import { write } from "./file.ts";
import { methodNamed } from "./methods.ts";
import { allProblems } from "./problems/mod.ts";
import type { Outcome, Problem, Target } from "./problems/problem.ts";
import { aimedAt, type FixedTarget, fixedTarget } from "./problems/targets.ts";
import { gridOf, tuningSeed } from "./suite.ts";
import { choose, grid, score } from "./tuning.ts";

/** The share of its steps after which tuned Adam's training loss is the target. */
const share = 1 / 2;

/** The part of the way down to its best validation loss that is asked for. */
const part = 0.8;

/**
 * What a run of tuned Adam makes the target.
 *
 * On training data: the lowest loss of its first half. It is late enough that a method has to come
 * far along Adam's way, and early enough that Adam itself gets there on other seeds, too. On validation
 * data: 80 % of the way from the first loss to the lowest. Their lowest loss is at no set moment, as
 * training goes on too long, and depends on which examples a seed has drawn: on another seed the very
 * lowest may not be there to be reached.
 */
export function targetFrom(
  { curve }: Pick<Outcome, "curve">,
  metric: Target["metric"],
): { readonly value: number; readonly rule: string } {
  const lossOf = (point: Outcome["curve"][number]) => {
    const loss = point[metric];
    if (loss === undefined) {
      throw new TypeError(`Cannot fix a target: the tuning run has no ${metric}`);
    }
    return loss;
  };
  const last = curve.at(-1)!.step;
  if (metric === "trainLoss") {
    const early = curve.filter(({ step }) => step <= share * last);
    const value = Math.min(...early.map(lossOf));
    return { value, rule: `lowest training loss in the first ${share * 100} % of the steps` };
  }
  const losses = curve.map(lossOf);
  const value = losses[0]! - part * (losses[0]! - Math.min(...losses));
  return { value, rule: `${part * 100} % of the way from the first validation loss to the lowest` };
}

/** Runs the host's Adam over its grid and fixes the target of a problem. */
export async function fixTarget(
  problem: Problem,
  { full, backend }: { readonly full: boolean; readonly backend: string },
): Promise<FixedTarget> {
  const method = methodNamed("adam");
  const { name, batchSize, steps, selections } = problem;
  const metric = aimedAt(selections);
  const rates = grid(method.centre.network * problem.rateScale, gridOf(problem, full));
  const outcomes: Outcome[] = [];
  for (const learningRate of rates) {
    const breathe = () => Promise.resolve();
    const task = { method, learningRate, seed: tuningSeed, backend, tuning: true, breathe };
    outcomes.push(await problem.run(task));
  }
  const scores = outcomes.map((run) => score(run, selections[0]!, { steps, target: NaN }));
  const choice = choose(scores);
  if (!choice) throw new RangeError(`Cannot fix the target of "${name}": every rate diverged`);
  const { value, rule } = targetFrom(outcomes[choice.index]!, metric);
  return {
    ...{ problem: name, batchSize, steps, metric, value: Number(value.toPrecision(3)), rule },
    from: {
      method: method.name,
      learningRate: Number(rates[choice.index]!.toPrecision(6)),
      ...{ seed: tuningSeed, backend },
    },
  };
}

const path = fileURLToPath(new URL("./problems/targets.json", import.meta.url));
const networks = (full: boolean) => allProblems(full).filter(({ kind }) => kind === "network");

/** All targets that some problem has, in the order of the problems. */
function ordered(targets: readonly FixedTarget[]): FixedTarget[] {
  return [false, true].flatMap((full) =>
    networks(full).flatMap(({ name: problem, batchSize, steps }) =>
      fixedTarget({ problem, batchSize, steps }, targets) ?? []
    )
  );
}

async function fixTargets(args: readonly string[]): Promise<void> {
  const every = () => [...new Set([false, true].flatMap(networks).map(({ name }) => name))];
  const program = command("targets", "Fixes the targets of networks from the host's tuned Adam.")
    .option("--problem <names>", "only these problems", names("problem", every))
    .option("--size <name>", "quick or full", names("size", () => ["quick", "full"]))
    .option("--again", "also where one has been fixed already", false);
  parseArguments(program, args);
  const { problem: chosen, size: sizes, again } = program.opts<
    { problem?: string[]; size?: string[]; again: boolean }
  >();
  for (const full of [false, true]) {
    if (sizes && !sizes.includes(full ? "full" : "quick")) continue;
    for (const problem of networks(full)) {
      const { name, batchSize, steps } = problem;
      const before = fixedTarget({ problem: name, batchSize, steps });
      if ((chosen && !chosen.includes(name)) || (before && !again)) continue;
      const fixed = await fixTarget(problem, { full, backend: "wasm" });
      // Read anew: another process may have fixed others meanwhile. The first one that fits counts.
      const written: readonly FixedTarget[] = JSON.parse(await Deno.readTextFile(path));
      await write(path, `${JSON.stringify(ordered([fixed, ...written]), null, 2)}\n`);
      console.log(
        `${name}, ${full ? "full" : "quick"}: ${fixed.metric} ≤ ${fixed.value}, ${fixed.rule}`,
      );
    }
  }
}

if (import.meta.main) Deno.exit(await exitCode(() => fixTargets(Deno.args)));
