/** @module */
import type { Definition } from "@precond/core";
import { takesRawSquares } from "@precond/core/backend";
import * as tf from "@tensorflow/tfjs-core";
import { gradientEntries, type Gradients, variablesOf } from "./contributions.ts";
import { createMeasurer } from "../evidence/measure.ts";
import { asking, type Session } from "../evidence/session.ts";
import { restoredOnError } from "../evidence/undisturbed.ts";
import { activeBackend, partFor } from "../parts/registry.ts";
import type { Cost, ResolvedOptions, TensorEvidence } from "./options.ts";
import type { Updater } from "./updater.ts";
import type { VariableStates } from "../state/variable_states.ts";

type Closure = () => tf.Scalar;

/** What the minimizer uses of the optimizer. */
export interface MinimizerHost {
  readonly definition: Definition;
  computeGradients(f: Closure, varList?: tf.Variable[]): ReturnType<typeof tf.variableGrads>;
  applyGradients(gradients: Gradients, evidence: TensorEvidence): void;
}

/** Turns closures into gradients and evidence. */
export interface Minimizer {
  readonly cost: Cost;
  /** One call of `minimize`: the loss if `returnCost`, which the caller disposes. */
  single(f: Closure, returnCost: boolean, varList?: tf.Variable[]): tf.Scalar | null;
  /** One update from k ≥ 2 closures, likewise with the mean loss. */
  microBatches(
    closures: readonly Closure[],
    returnCost: boolean,
    varList?: tf.Variable[],
  ): tf.Scalar | null;
  /** Disposes what closures kept in extra calls. */
  release(): void;
  /** Frees the kernels, too. */
  dispose(): void;
}

/** g², kept. */
const squaresOf = (gradients: tf.NamedTensorMap) =>
  Object.fromEntries(
    gradientEntries(gradients).map(([name, g]) => [name, tf.keep(tf.tidy(() => tf.square(g)))]),
  );

/** Makes the minimizer of one optimizer. */
export function createMinimizer(
  host: MinimizerHost,
  options: ResolvedOptions,
  { driver, backend, claim }: VariableStates,
  updater: Updater,
): Minimizer {
  const measurer = createMeasurer(backend, options.differenceStep);
  const { needs } = host.definition;
  let gradientCount = 0;

  /** The mean squared gradient of the examples is that of the only one. */
  const usesOwnSquares = takesRawSquares(host.definition);

  /** As `driver.curvatureDue()`: by the updates of these variables. */
  const squaresDue = (names: readonly string[]) => {
    const states = driver.state().parameters;
    let steps = 0;
    for (const name of names) {
      const known = states.get(name);
      if (!known?.samples.gradientSquares) return true;
      steps = Math.max(steps, known.step);
    }
    return steps % options.squaresEvery === 0;
  };

  /** Samples of what is due, from the first call of those that make an update. */
  const measure = (names: string[], closure: Closure, session: Session, squares: boolean) => {
    const variables = variablesOf(names);
    claim(variables);
    const first = updater.pending === 0;
    return measurer.measure({
      closure,
      variables,
      session,
      source: first && driver.curvatureDue(names) ? host.definition.curvature : undefined,
      squares: first && squares && squaresDue(names),
      seed: options.seed * 1_000_003 + driver.iteration * 1009 + 1,
    });
  };

  const finish = (
    value: tf.Scalar,
    grads: tf.NamedTensorMap,
    given: TensorEvidence,
    closures: readonly Closure[],
    session: Session,
    returnCost: boolean,
    varList: tf.Variable[] | undefined,
  ) => {
    let measured: TensorEvidence = {};
    let done = false;
    try {
      const names = gradientEntries(grads).map(([name]) => name);
      const signs = needs.includes("gradientSquares") && updater.accumulate === 1 &&
        !given.gradientSquares;
      measured = measure(names, closures[0]!, session, signs);
      const { batchSize = options.batchSize } = measured;
      if (signs && batchSize === 1 && !measured.gradientSquares && usesOwnSquares) {
        measured = { ...measured, gradientSquares: squaresOf(grads), microBatches: 1 };
      }
      host.applyGradients(
        varList ? varList.map(({ name }) => ({ name, tensor: grads[name]! })) : grads,
        {
          ...given,
          ...measured,
          ...(batchSize === undefined ? {} : { batchSize: batchSize * closures.length }),
        },
      );
      done = true;
      return returnCost ? value : null;
    } finally {
      if (!done || !returnCost) value.dispose();
      tf.dispose([grads, given.gradientSquares, measured.curvature, measured.gradientSquares]);
    }
  };

  return {
    get cost() {
      const extra = measurer.evaluations;
      return { gradients: gradientCount + extra, extra };
    },
    single(f, returnCost, varList) {
      activeBackend()?.check?.();
      measurer.release();
      return restoredOnError(() => {
        const { result, session } = asking(
          { kind: "loss" },
          () => host.computeGradients(f, varList),
        );
        gradientCount++;
        return finish(result.value, result.grads, {}, [f], session, returnCost, varList);
      });
    },
    microBatches(closures, returnCost, varList) {
      const { checkClosures, microBatchEvidence } = partFor(
        "accumulation",
        "compare micro-batches",
      );
      const k = checkClosures(closures, updater.accumulate);
      activeBackend()?.check?.();
      measurer.release();
      return restoredOnError(() => {
        const { result, session } = asking(
          { kind: "loss" },
          () => microBatchEvidence(backend, closures, varList),
        );
        gradientCount += k;
        const { value, gradients, gradientSquares } = result;
        const evidence = { gradientSquares, microBatches: k };
        return finish(value, gradients, evidence, closures, session, returnCost, varList);
      });
    },
    release: measurer.release,
    dispose: measurer.dispose,
  };
}
