/**
 * `deno run -A bench/jaxjs.ts`: updates of `@precond/jax-js` beside Adam as jax-js's own optax writes it
 * (its package is not published; the formula is that of its source), eager and under `jit`, in turns.
 * `update` and `applyUpdates` on ready gradients; what is pending is computed in the time.
 *
 * @module
 */
import { type Array, init, jit, numpy as np, tree } from "@jax-js/jax";
import { adam, applyUpdates, combined, type Definition, precond, snrOnly } from "@precond/jax-js";
import Table from "cli-table3";
import { command, parseArguments, samplesOption } from "./cli.ts";
import { exitCode } from "./exit.ts";
import { writeRows } from "./file.ts";
import { number } from "./format.ts";

/** Lengths of the sides of each parameter. */
const layouts: Readonly<Record<string, readonly (readonly number[])[]>> = {
  "1M in one array": [[1000, 1000]],
  "100k in 20 arrays": globalThis.Array.from({ length: 20 }, () => [50, 100]),
  "MLP 784-128-10": [[784, 128], [128], [128, 10], [10]],
};

const filled = (shapes: readonly (readonly number[])[], f: (i: number) => number): Array[] =>
  shapes.map((shape) => {
    const size = shape.reduce((a, b) => a * b, 1);
    return np.array(Float32Array.from({ length: size }, (_, i) => f(i)), { shape: [...shape] });
  });

interface OptaxState {
  count: Array;
  mu: Array[];
  nu: Array[];
}
type OptaxStep = (
  params: Array[],
  gradients: Array[],
  state: OptaxState & { [key: string]: Array | Array[] },
) => [Array[], OptaxState];

/** optax.adam and optax.applyUpdates: moments, bias corrections by the count, scale, sum. */
function optaxStep(params: Array[], gradients: Array[], { count, mu, nu }: OptaxState): [
  Array[],
  OptaxState,
] {
  const moment = (g: Array, before: Array, decay: number) =>
    g.mul(1 - decay).add(before.mul(decay));
  const corrected = (moments: Array[], decay: number) => {
    const correction = np.reciprocal(
      np.subtract(1, np.power(decay, count.ref.astype(np.float32))),
    );
    const result = moments.map((m) => m.mul(correction.ref));
    correction.dispose();
    return result;
  };
  mu = mu.map((m, i) => moment(gradients[i]!.ref, m, 0.9));
  nu = nu.map((v, i) => moment(gradients[i]!.ref.mul(gradients[i]!), v, 0.999));
  count = count.add(1);
  const muHat = corrected(tree.ref(mu), 0.9), nuHat = corrected(tree.ref(nu), 0.999);
  const updates = muHat.map((m, i) => m.div(np.sqrt(nuHat[i]!.add(0)).add(1e-8)).mul(-1e-3));
  return [params.map((p, i) => p.add(updates[i]!)), { count, mu, nu }];
}

/** A method's step: it ends when the parameters are computed. */
type Step = () => void;

/** Reads a number of each, which computes what is pending and copies nothing. */
const settle = (params: readonly Array[]) =>
  params.forEach((p) => p.ref.reshape([-1]).slice([0, 1]).dataSync());

function optax(shapes: readonly (readonly number[])[], step: OptaxStep): Step {
  let params = filled(shapes, Math.cos);
  const gradients = filled(shapes, Math.sin);
  const zeros = () => shapes.map((shape) => np.zeros([...shape]));
  let state: OptaxState = { count: np.array(0, { dtype: np.uint32 }), mu: zeros(), nu: zeros() };
  return () => {
    [params, state] = step(params, tree.ref(gradients), state as Parameters<OptaxStep>[2]);
    settle(params);
  };
}

function ours(shapes: readonly (readonly number[])[], definition: Definition): Step {
  const solver = precond(definition);
  let params = filled(shapes, Math.cos);
  const gradients = filled(shapes, Math.sin);
  let state = solver.init(tree.ref(params));
  return () => {
    const [updates, next] = solver.update(tree.ref(gradients), state, tree.ref(params));
    params = applyUpdates(params, updates);
    state = next;
    settle(params);
  };
}

const compiled = jit(optaxStep as never) as unknown as OptaxStep;
const methods: Readonly<Record<string, (shapes: readonly (readonly number[])[]) => Step>> = {
  "optax adam": (shapes) => optax(shapes, optaxStep),
  "optax adam, jit": (shapes) => optax(shapes, compiled),
  "adam": (shapes) => ours(shapes, adam({ learningRate: 1e-3 })),
  "snrOnly": (shapes) => ours(shapes, snrOnly()),
  "combined": (shapes) => ours(shapes, combined()),
};

interface Row {
  readonly device: "wasm";
  readonly parameters: string;
  readonly method: string;
  /** Median. */
  readonly step_ms: number;
  readonly fastest_ms: number;
  readonly optax_over_this: number;
  readonly optax_jit_over_this: number;
  readonly samples: number;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b), half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}

/** Times the methods in turns. */
export function measure(parameters: string, samples: number): Row[] {
  const steps = Object.entries(methods).map(([name, make]) => ({
    name,
    step: make(layouts[parameters]!),
    times: [] as number[],
  }));
  for (let i = -3; i < samples; i++) { // the first ones compile
    for (const { step, times } of steps) {
      const start = performance.now();
      step();
      if (i >= 0) times.push(performance.now() - start);
    }
  }
  const medians = new Map(steps.map(({ name, times }) => [name, median(times)]));
  return steps.map(({ name, times }) => ({
    device: "wasm",
    parameters,
    method: name,
    step_ms: medians.get(name)!,
    fastest_ms: Math.min(...times),
    optax_over_this: medians.get("optax adam")! / medians.get(name)!,
    optax_jit_over_this: medians.get("optax adam, jit")! / medians.get(name)!,
    samples,
  }));
}

async function jaxjs(args: readonly string[]): Promise<void> {
  const program = command("jaxjs", "Times updates on jax-js beside those of its optax, on wasm.")
    .addOption(samplesOption(31))
    .option("--json <file>", "where to write the rows");
  parseArguments(program, args);
  const { samples, json } = program.opts<{ samples: number; json?: string }>();
  await init("wasm");
  const rows = Object.keys(layouts).flatMap((parameters) => measure(parameters, samples));
  const table = new Table({
    head: ["parameters", "method", "step, ms", "fastest", "optax / this", "jit / this"],
  });
  for (const row of rows) {
    table.push([
      row.parameters,
      row.method,
      ...[row.step_ms, row.fastest_ms, row.optax_over_this, row.optax_jit_over_this].map(number),
    ]);
  }
  console.log(table.toString());
  await writeRows(json, rows, { program: "jaxjs", args });
}

if (import.meta.main) Deno.exit(await exitCode(() => jaxjs(Deno.args)));
