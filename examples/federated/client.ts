/**
 * A client of federated learning: `fit` and `evaluate` in the shapes of Flower's NumPyClient. Lists of
 * arrays stand for parameters; `config` and `metrics` hold numbers, text and bytes, so that the state of
 * the optimizer travels in them.
 */
import { createOptimizer, type Definition } from "@precond/core";
import { type Arrays, classes, type Example, features, lossOf, source } from "./problem.ts";

/** What goes to a client beside parameters, and what it tells beside them. */
export type Scalars = Readonly<Record<string, number | string | Uint8Array>>;

/** What `fit` gives. */
export interface FitResult {
  readonly parameters: Float32Array[];
  readonly numExamples: number;
  readonly metrics: Scalars;
}

/** What `evaluate` gives. */
export interface EvaluateResult {
  readonly loss: number;
  readonly numExamples: number;
  readonly metrics: Scalars;
}

/** A client. */
export interface Client {
  /** Trains from these parameters. `config`: `steps`, `batchSize`, and the optimizer's `state`, if any. */
  fit(parameters: Float32Array[], config: Scalars): Promise<FitResult>;
  /** The loss of these parameters on its own examples. */
  evaluate(parameters: Float32Array[], config: Scalars): EvaluateResult;
}

/** Parameters as a list, in the order in which they travel. */
export const toList = ({ kernel, bias }: Arrays): Float32Array[] => [kernel, bias];
/** The same by name. */
export const fromList = ([kernel, bias]: readonly Float32Array[]): Arrays => ({
  kernel: kernel!,
  bias: bias!,
});

/** A client with examples that nobody else sees. */
export function createClient(
  definition: Definition,
  examples: readonly Example[],
  seed: number,
): Client {
  const uniform = source(seed);
  return {
    async fit(parameters, { state, steps, batchSize }) {
      const weights = fromList(parameters.map((array) => array.slice()));
      const optimizer = createOptimizer(definition);
      if (state instanceof Uint8Array && state.length > 0) optimizer.load(state);
      let sum = 0;
      for (let step = 0; step < Number(steps); step++) {
        const batch = Array.from(
          { length: Number(batchSize) },
          () => examples[Math.floor(uniform() * examples.length)]!,
        );
        const { loss, gradients } = lossOf(weights, batch);
        optimizer.step({
          kernel: {
            weights: weights.kernel,
            gradient: gradients.kernel,
            shape: [features, classes],
          },
          bias: { weights: weights.bias, gradient: gradients.bias },
        });
        sum += loss;
      }
      return {
        parameters: toList(weights),
        numExamples: examples.length,
        metrics: { loss: sum / Number(steps), state: await optimizer.save() },
      };
    },
    evaluate(parameters) {
      const { loss, accuracy } = lossOf(fromList(parameters), examples);
      return { loss, numExamples: examples.length, metrics: { accuracy } };
    },
  };
}
