/** @module */
import { expr } from "@precond/core";
import { type Backend, compileProgram, type Kernel, layout } from "@precond/core/backend";

/** Arrays of one parameter. */
export interface DifferenceArrays<A> {
  readonly dims: readonly number[];
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

/** Hutchinson samples from two gradients. */
export interface FiniteDifferences<A> {
  /** Calls `run` twice; it must leave the gradient at `shifted` in `gradient`. */
  sample(parameters: readonly DifferenceArrays<A>[], run: () => Promise<unknown>): Promise<void>;
  dispose(): void;
}

/**
 * `z ∘ (g(w + εz) − g(w − εz)) / 2ε`: Hutchinson's sample without a second derivative. Right to
 * 1e-4 on smooth networks; ReLU and max-pooling put kinks between the two points.
 */
export function finiteDifferences<A>(backend: Backend<A>, step: number): FiniteDifferences<A> {
  if (!(step > 0 && step < Infinity)) {
    throw new RangeError(
      `Cannot take finite differences: differenceStep must be positive, current value is ${step}`,
    );
  }
  const { add, mul, read, scalar, sub } = expr;
  const element = "element" as const;
  const shift = compileProgram({
    outputs: [{
      name: "shifted",
      shape: element,
      value: add(read("weights"), mul(scalar("epsilon"), read("vector"))),
    }],
  });
  const copy = compileProgram({
    // ×1: a program writes computed values only.
    outputs: [{ name: "saved", shape: element, value: mul(read("gradient"), scalar("one")) }],
  });
  const restore = compileProgram({
    outputs: [{ name: "gradient", shape: element, value: mul(read("saved"), scalar("one")) }],
  });
  const minus = compileProgram({
    outputs: [{ name: "curvature", shape: element, value: mul(read("gradient"), scalar("one")) }],
  });
  const difference = compileProgram({
    outputs: [{
      name: "curvature",
      shape: element,
      value: mul(
        mul(read("vector"), sub(read("gradient"), read("curvature"))),
        scalar("scale"),
      ),
    }],
  });
  const kernels = [shift, copy, restore, minus, difference].map((program) => {
    const kernel: Kernel<A> = backend.compile(program);
    const run = (parameters: readonly DifferenceArrays<A>[], value: number) =>
      void kernel.run(parameters.map((p) => ({
        ...layout(p.dims),
        inputs: program.inputs.map(({ name }) => p[name as Exclude<keyof typeof p, "dims">]),
        outputs: program.outputs.map(({ name }) => p[name as Exclude<keyof typeof p, "dims">]),
        scalars: Float64Array.of(value),
      })));
    return { kernel, run };
  });
  const [shiftBy, save, putBack, keepMinus, subtract] = kernels.map(({ run }) => run);
  return {
    async sample(parameters, run) {
      save!(parameters, 1);
      shiftBy!(parameters, -step);
      await run();
      keepMinus!(parameters, 1);
      shiftBy!(parameters, step);
      await run();
      subtract!(parameters, 1 / (2 * step));
      putBack!(parameters, 1);
    },
    dispose() {
      for (const { kernel } of kernels) kernel.dispose?.();
    },
  };
}
