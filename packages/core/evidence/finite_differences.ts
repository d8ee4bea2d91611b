/**
 * Hutchinson's samples from two gradients.
 *
 * @module
 */
import { checkValue } from "../checks.ts";
import type { Backend } from "../driver/backend.ts";
import { add, mul, read, scalar, sub } from "../kernel/expr.ts";
import { positive } from "../kinds.ts";
import { compileProgram } from "../kernel/program.ts";
import { computer } from "./compute.ts";

/** One parameter's arrays for {@linkcode FiniteDifferences.sample}. */
export interface DifferenceArrays<A> {
  readonly shape: readonly number[];
  readonly weights: A;
  /** Random signs z. */
  readonly vector: A;
  /** Receives `w ± εz`. */
  readonly shifted: A;
  /** Where runs leave the gradient; as before afterwards. */
  readonly gradient: A;
  readonly saved: A;
  /** Receives the sample. */
  readonly curvature: A;
}

/** Hutchinson's samples without a second derivative; made by {@linkcode finiteDifferences}. */
export interface FiniteDifferences<A> {
  /** `w + distance · z`, in `shifted` where that is given, else in new arrays. */
  shift(
    parameters: readonly {
      readonly shape: readonly number[];
      readonly weights: A;
      readonly vector: A;
      readonly shifted?: A;
    }[],
    distance: number,
  ): A[];
  /**
   * `z ∘ (g₊ − g₋) / 2ε`, from g₊ in `gradient` and g₋ in `curvature`, which may be written into: the
   * caller disposes it if it does not get it back.
   */
  difference(
    parameters: readonly {
      readonly shape: readonly number[];
      readonly vector: A;
      readonly gradient: A;
      readonly curvature: A;
    }[],
  ): A[];
  /**
   * Both, where arrays stay where they are: calls `run` twice, which must leave the gradient at
   * `shifted` in `gradient`. The gradient that was there before is put back, also if `run` throws.
   */
  sample(parameters: readonly DifferenceArrays<A>[], run: () => Promise<unknown>): Promise<void>;
  dispose(): void;
}

/**
 * `z ∘ (g(w + εz) − g(w − εz)) / 2ε`: Hutchinson's sample of diag(H). Right to 1e-4 on smooth networks;
 * ReLU and max-pooling put kinks between the two points.
 *
 * @throws {RangeError} If the step ε is not positive.
 */
export function finiteDifferences<A>(backend: Backend<A>, step: number): FiniteDifferences<A> {
  checkValue("take finite differences", step, positive, "differenceStep");
  const shifted = computer(backend, () =>
    compileProgram({
      outputs: [{
        name: "shifted",
        shape: "element",
        value: add(read("weights"), mul(scalar("distance"), read("vector"))),
      }],
    }));
  const differences = computer(backend, () =>
    compileProgram({
      outputs: [{
        name: "curvature",
        shape: "element",
        value: mul(mul(read("vector"), sub(read("gradient"), read("curvature"))), scalar("scale")),
      }],
    }));
  const copy = (
    parameters: readonly DifferenceArrays<A>[],
    from: "gradient" | "saved",
    into: "saved" | "curvature" | "gradient",
  ) => void backend.copy(parameters.map((p) => ({ from: p[from], shape: p.shape, into: p[into] })));
  const shift: FiniteDifferences<A>["shift"] = (parameters, distance) =>
    shifted.run(parameters.map(({ shape, weights, vector, shifted }) => ({
      shape,
      arrays: { weights, vector, shifted },
      scalars: { distance },
    }))).map(([array]) => array!);
  const difference: FiniteDifferences<A>["difference"] = (parameters) =>
    differences.run(parameters.map(({ shape, vector, gradient, curvature }) => ({
      shape,
      arrays: { vector, gradient, curvature },
      scalars: { scale: 1 / (2 * step) },
    }))).map(([array]) => array!);
  return {
    shift,
    difference,
    async sample(parameters, run) {
      copy(parameters, "gradient", "saved");
      try {
        shift(parameters, -step);
        await run();
        copy(parameters, "gradient", "curvature");
        shift(parameters, step);
        await run();
        difference(parameters);
      } finally {
        copy(parameters, "saved", "gradient");
      }
    },
    dispose() {
      shifted.dispose();
      differences.dispose();
    },
  };
}
