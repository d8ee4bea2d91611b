/** @module */
import type { Definition } from "@precond/core";
import { checkValue, type Kind } from "@precond/core/backend";
import * as tf from "@tensorflow/tfjs-core";
import { gradientEntries, type Gradients, variablesOf } from "./contributions.ts";
import { createMeasurer } from "../evidence/measure.ts";
import { asking, type Session } from "../evidence/session.ts";
import { restoredOnError, withoutRemains } from "../evidence/undisturbed.ts";
import { activeBackend, partFor } from "../parts/registry.ts";
import type { Cost, ResolvedOptions, TensorEvidence } from "./options.ts";
import type { Updater } from "./updater.ts";
import type { VariableStates } from "../state/variable_states.ts";

type Closure = () => tf.Scalar;

/** The mean loss of closures, its gradients, and what else their calls tell. */
type Gather = (closures: readonly Closure[]) => {
  readonly value: tf.Scalar;
  readonly grads: tf.NamedTensorMap;
  readonly evidence?: TensorEvidence;
};

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

const scalar: Kind = {
  must: "be a scalar tensor",
  type: (value) => value instanceof tf.Tensor && value.rank === 0,
};

/** The closure with a look at what it returns, before tfjs goes backward from there. */
function checkedClosure(f: Closure): Closure {
  // tfjs itself says so of what is no function.
  if (typeof f !== "function") return f;
  return () => {
    const value = f();
    checkValue("minimize", value, scalar, "the loss");
    return value;
  };
}

/** Makes the minimizer of one optimizer. */
export function createMinimizer(
  host: MinimizerHost,
  options: ResolvedOptions,
  { driver, backend, claim }: VariableStates,
  updater: Updater,
): Minimizer {
  const measurer = createMeasurer({ driver, backend }, options);
  const { needs } = host.definition;
  let gradientCount = 0;

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
      squares: first && squares,
      seed: options.seed * 1_000_003 + driver.iteration * 1009 + 1,
    });
  };

  const update = (
    closures: readonly Closure[],
    gather: Gather,
    returnCost: boolean,
    varList: tf.Variable[] | undefined,
  ) => {
    const checked = closures.map(checkedClosure);
    activeBackend()?.check?.();
    measurer.release();
    return restoredOnError(() => {
      const { result, session } = asking({ kind: "loss" }, () => gather(checked));
      gradientCount += closures.length;
      const { value, grads, evidence: given = {} } = result;
      let measured: TensorEvidence = {};
      let done = false;
      try {
        const names = gradientEntries(grads).map(([name]) => name);
        const signs = needs.includes("gradientSquares") && updater.accumulate === 1 &&
          !given.gradientSquares;
        measured = measure(names, closures[0]!, session, signs);
        const { batchSize = options.batchSize } = measured;
        if (signs && batchSize === 1 && !measured.gradientSquares) {
          measured = { ...measured, ...measurer.ownSquares(host.definition, grads) };
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
    });
  };

  return {
    get cost() {
      const extra = measurer.evaluations;
      return { gradients: gradientCount + extra, extra };
    },
    single: (f, returnCost, varList) =>
      update(
        [f],
        ([checked]) => withoutRemains(() => host.computeGradients(checked!, varList)),
        returnCost,
        varList,
      ),
    microBatches(closures, returnCost, varList) {
      const { checkClosures, microBatchEvidence } = partFor(
        "accumulation",
        "compare micro-batches",
      );
      checkClosures(closures, updater.accumulate);
      const gather: Gather = (checked) => microBatchEvidence(backend, checked, varList);
      return update(closures, gather, returnCost, varList);
    },
    release: measurer.release,
    dispose: measurer.dispose,
  };
}
