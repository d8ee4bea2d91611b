/** @module */
import {
  type Array,
  defaultDevice,
  grad,
  jit,
  jvp,
  numpy as np,
  random,
  tree,
  valueAndGrad,
  vjp,
  vmap,
} from "@jax-js/jax";
import { checkOptions, checkValue, kinds, shown, takesRawSquares } from "@precond/core/backend";
import type { ArrayTree, Solver, TreeEvidence } from "../solver/precond.ts";
import { holdingOf, type SolverState } from "../solver/state.ts";
import { drawnDerivative, type Likelihood, lossOf } from "./likelihood.ts";

/** Options of {@linkcode valueAndEvidence}. */
export interface EvidenceOptions {
  /**
   * If given, `f` returns the predictions of one example from all but the last of the batch's arrays,
   * and the last one has the labels: the loss follows, and labels can be drawn for `gaussNewton()` and
   * `fisher()`. Default none: `f` returns the loss.
   */
  readonly likelihood?: Likelihood;
  /** Seed of the drawn labels and random signs; default 0. */
  readonly seed?: number;
  /** Whether `f` may be traced once and compiled; default true. */
  readonly jit?: boolean;
}

/** Gradients of a batch, and what the solver's chain wants to know besides. */
export interface EvidenceFunction<Params extends ArrayTree, Batch extends ArrayTree[]> {
  /**
   * Value, mean gradients, and evidence for `update()`. Consumes parameters and batch, and leaves the
   * state to its owner.
   */
  (params: Params, state: SolverState, ...batch: Batch): [
    value: Array,
    gradients: Params,
    evidence: TreeEvidence<Params>,
  ];
  /** Frees what was compiled. */
  dispose(): void;
}

/** What is traced and compiled. */
type Traced = (params: ArrayTree, key: Array, batch: ArrayTree[]) => ArrayTree;
/** jax-js's own types want each argument spelt out. */
type Loose = (...args: ArrayTree[]) => ArrayTree;

interface Plan {
  readonly f: Loose;
  readonly likelihood: Likelihood | undefined;
  /** Whether single examples' gradients are squared. */
  readonly squares: boolean;
  /** What curvature is sampled, if any. */
  readonly kind: "hutchinson" | "likelihood" | undefined;
}

const leavesOf = (given: ArrayTree | readonly ArrayTree[]) =>
  tree.leaves<Array>(given as ArrayTree);
const mapLeaves = (f: (...leaves: Array[]) => Array, first: ArrayTree, ...rest: ArrayTree[]) =>
  tree.map(f as (...leaves: unknown[]) => unknown, first as never, ...rest as never[]) as ArrayTree;
const batched = (f: Loose, count: number): Loose =>
  vmap(f as never, [null, ...new globalThis.Array(count).fill(0)]) as unknown as Loose;

/** Refuses losses of single examples that are no scalars: their mean would be another loss. */
function checkScalars(losses: ArrayTree): Array {
  const shape = (losses as Partial<Array> | undefined)?.shape;
  if (shape?.length === 1) return losses as Array;
  throw new TypeError(
    "Cannot gather evidence: f must return the loss of one example, a scalar, " +
      (shape ? `current shape is [${shape.slice(1)}]` : `current value is ${shown(losses)}`),
  );
}

/** Consumes parameters, key and batch. */
function gather({ f, likelihood, squares, kind }: Plan): Traced {
  const one: Loose = likelihood === undefined ? f : (params, ...example) => {
    const label = example.pop() as Array;
    return lossOf(likelihood, f(params, ...example) as Array, label);
  };
  return (params, key, batch) => {
    const size = leavesOf(batch)[0]!.shape[0]!;
    const shared = () => tree.ref(batch) as ArrayTree[];
    const meanLoss: Loose = (p) =>
      np.mean(checkScalars(batched(one, batch.length)(p, ...shared())));
    const found: Record<string, ArrayTree> = {};
    if (squares) {
      const each = valueAndGrad(one as never) as unknown as Loose;
      const [values, gradients] = batched(each, batch.length)(tree.ref(params), ...shared()) as [
        Array,
        ArrayTree,
      ];
      found.value = np.mean(values);
      found.gradients = mapLeaves((g) => np.mean(g.ref, 0), gradients);
      found.gradientSquares = mapLeaves((g) => np.mean(np.square(g), 0), gradients);
    } else {
      const both = valueAndGrad(meanLoss as never) as unknown as Loose;
      [found.value, found.gradients] = both(tree.ref(params)) as [Array, ArrayTree];
    }
    if (kind === "hutchinson") {
      const leaves = leavesOf(params);
      const keys = random.split(key.ref, leaves.length);
      let i = 0;
      const signs = mapLeaves(({ shape }) => {
        const own = keys.ref.slice(i++);
        return random.rademacher(own, { shape, dtype: np.float32 });
      }, params);
      keys.dispose();
      const gradient = grad(meanLoss as never) as unknown as Loose;
      const [primal, product] = jvp(
        gradient as never,
        [tree.ref(params)] as never,
        [tree.ref(signs)] as never,
      ) as unknown as [ArrayTree, ArrayTree];
      tree.dispose(primal);
      found.curvature = mapLeaves((z, hz) => z.mul(hz), signs, product);
    }
    if (kind === "likelihood") {
      const inputs = shared();
      tree.dispose(inputs.pop());
      const predict: Loose = (p) => batched(f, inputs.length)(p, ...tree.ref(inputs));
      const [z, pull] = vjp(predict as never, [tree.ref(params)] as never) as unknown as [
        Array,
        ((z: Array) => [ArrayTree]) & { dispose(): void },
      ];
      // ĝ for the mean loss over the batch.
      const [drawn] = pull(drawnDerivative(likelihood!, z, key.ref).mul(1 / size));
      pull.dispose();
      tree.dispose(inputs);
      found.curvature = mapLeaves((g) => np.square(g).mul(size), drawn);
    }
    tree.dispose([params, key, batch]);
    return found;
  };
}

/** The number of examples: the length of the first axis of every array. */
function examplesOf(action: string, batch: readonly ArrayTree[]): number {
  const leaves = leavesOf(batch);
  const sizes = leaves.map((array) => array.shape?.[0]);
  const [size] = sizes;
  const odd = sizes.findIndex((n) => n === undefined || n === 0 || n !== size);
  if (size === undefined || odd >= 0) {
    throw new TypeError(
      `Cannot ${action}: all arrays of the batch must have one example or more along their first axis, as many as the others; current shapes are ${
        leaves.map((array) => `[${array.shape}]`).join(", ") || "none"
      }`,
    );
  }
  return size;
}

/**
 * The value of a loss, its gradients, and the evidence that a solver's chain wants: as jax-js's
 * `valueAndGrad`, for `update(gradients, state, params, evidence)`.
 *
 * `f` is about **one example**: the loss is the mean over the batch, whose arrays have the examples along
 * their first axis. Chains that need `gradientSquares` get the mean of the squared gradients of single
 * examples, by `vmap(grad)`: exact, with `microBatches` the number of examples. When a curvature sample
 * is due, `hutchinson()` gets `z ∘ Hz` with random signs z, by `jvp(grad)`: Hz is exact; `gaussNewton()`
 * and `fisher()` get `B ĝ²`, ĝ the mean gradient for labels drawn from the model (which needs
 * `likelihood`; the two are the same for its losses). `userCurvature()` is left to you.
 *
 * The gradients of all examples are in memory at once where squares are needed.
 *
 * @param f The loss of one example, a scalar, from parameters and the example's arrays; with
 * `likelihood` its predictions. Consumes its arguments, as everywhere in jax-js.
 * @param solver Made by `precond()`.
 * @throws {TypeError} If the chain wants drawn labels and no likelihood is given, and for unknown
 * options; from the function returned for arrays with unequal numbers of examples.
 *
 * @example
 * ```ts
 * import { init, numpy as np, tree } from "@jax-js/jax";
 * import { applyUpdates, gaussNewton, precond, signalNewton, valueAndEvidence } from "@precond/jax-js";
 *
 * await init("wasm");
 * type Params = { w: np.Array };
 * const solver = precond(signalNewton({ curvature: gaussNewton(), from: "gradientSquares" }));
 * const logits = ({ w }: Params, x: np.Array) => np.matmul(x, w);
 * const measure = valueAndEvidence(logits, solver, { likelihood: "categorical" });
 *
 * const x = np.array([[1, 2], [3, 4], [5, 7]]), y = np.array(Int32Array.of(0, 1, 1));
 * let params: Params = { w: np.zeros([2, 2]) };
 * let state = solver.init(tree.ref(params));
 * for (let i = 0; i < 10; i++) {
 *   const [value, gradients, evidence] = measure(tree.ref(params), state, x.ref, y.ref);
 *   value.dispose();
 *   const [updates, next] = solver.update(gradients, state, tree.ref(params), evidence);
 *   [params, state] = [applyUpdates(params, updates), next];
 * }
 * ```
 */
export function valueAndEvidence<
  Params extends ArrayTree,
  Example extends ArrayTree[],
>(
  f: (params: Params, ...example: Example) => Array,
  solver: Solver,
  options: EvidenceOptions = {},
): EvidenceFunction<Params, Example | [...Example, Array]> {
  const action = "gather evidence";
  checkValue(action, f, kinds.callable, "f");
  checkValue(action, solver?.definition, kinds.definition, "the solver's definition");
  const given = checkOptions(action, options, {
    likelihood: kinds.oneOf("categorical", "bernoulli", "gaussian"),
    seed: kinds.seed,
    jit: kinds.flag,
  });
  const { likelihood, seed = 0 } = given;
  const { needs, curvature } = solver.definition;
  const source = needs.includes("curvature") ? curvature?.kind : undefined;
  const draws = source === "gaussNewton" || source === "fisher";
  if (draws && likelihood === undefined) {
    throw new TypeError(
      `Cannot ${action}: ${source}() draws labels from the model; give { likelihood: … } and let f return predictions, or use hutchinson()`,
    );
  }
  const kind: Plan["kind"] = draws
    ? "likelihood"
    : source === "hutchinson"
    ? "hutchinson"
    : undefined;
  const wantsSquares = needs.includes("gradientSquares");
  const wantsOwn = takesRawSquares(solver.definition);
  const compiled = new Map<string, Traced & { dispose?(): void }>();
  const functionFor = (squares: boolean, due: boolean): Traced => {
    const key = `${squares}/${due}`;
    let found = compiled.get(key);
    if (!found) {
      const plan = { f: f as unknown as Loose, likelihood, squares, kind: due ? kind : undefined };
      const traced = gather(plan);
      found = given.jit === false ? traced : jit(traced as never) as unknown as Traced;
      compiled.set(key, found);
    }
    return found;
  };
  const measure = (params: Params, state: SolverState, ...batch: ArrayTree[]) => {
    const { backend: { device } } = holdingOf(action, state, solver);
    const batchSize = examplesOf(action, batch);
    // One example has no noise to tell; where squares are no noise, its own are what is wanted.
    const squares = wantsSquares && (batchSize > 1 || wantsOwn);
    const key = np.array(Uint32Array.of(seed, state.iteration), {
      ...(device === defaultDevice() ? {} : { device }),
    });
    const { value, gradients, ...evidence } = functionFor(squares, state.curvatureDue)(
      params,
      key,
      batch,
    ) as { value: Array; gradients: Params; gradientSquares?: Params; curvature?: Params };
    return [value, gradients, {
      ...evidence,
      batchSize,
      ...(squares ? { microBatches: batchSize } : {}),
    }] as [Array, Params, TreeEvidence<Params>];
  };
  return Object.assign(measure, {
    dispose() {
      for (const run of compiled.values()) run.dispose?.();
      compiled.clear();
    },
  });
}
