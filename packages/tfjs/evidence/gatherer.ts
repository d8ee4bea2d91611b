/**
 * Means over micro-batches, of tensors by the names of their variables.
 *
 * @module
 */
import { accumulator, type Backend, type Means } from "@precond/core/backend";
import * as tf from "@tensorflow/tfjs-core";
import type { GradientEntry } from "../optimizer/contributions.ts";
import type { TensorEvidence } from "../optimizer/options.ts";

/** What some calls gave. */
interface Totals {
  readonly calls: number;
  readonly means: ReadonlyMap<string, Means<tf.Tensor>>;
  /** Calls that brought curvature. */
  readonly samples: number;
  readonly curvature: ReadonlyMap<string, Means<tf.Tensor>>;
  /** Examples of all calls; undefined if one did not tell. */
  readonly examples: number | undefined;
}

/** The totals with one more call in them; either taken over or disposed. */
export interface Addition {
  readonly calls: number;
  readonly gradients: tf.NamedTensorMap;
  readonly evidence: TensorEvidence;
  /** Takes it over in place of what was gathered before. */
  commit(): void;
  /** Disposes it: as if the call had not been. */
  rollback(): void;
}

/** Means over calls, as they come in; made by {@linkcode createGatherer}. */
export interface Gatherer {
  /** Calls so far. */
  readonly calls: number;
  /** Adds a call's gradients and evidence; the caller keeps the tensors. Nothing changes if it throws. */
  add(
    gradients: tf.NamedTensorMap | readonly GradientEntry[],
    evidence?: TensorEvidence,
  ): Addition;
  /**
   * Adds a call, and with so many calls updates by their mean and drops them. Returns whether it did; what
   * was gathered before this call stays if the update throws.
   */
  take(gradients: readonly GradientEntry[], evidence: TensorEvidence, to: Goal): boolean;
  /** Disposes what is gathered. */
  drop(): void;
  /** Frees the kernels, too. */
  dispose(): void;
}

/** What calls are gathered for. */
export interface Goal {
  readonly calls: number;
  update(gradients: readonly GradientEntry[], evidence: TensorEvidence): void;
}

const none: Totals = { calls: 0, means: new Map(), samples: 0, curvature: new Map(), examples: 0 };

const disposeMeans = (means: ReadonlyMap<string, Means<tf.Tensor>>) => {
  for (const { gathered, squares } of means.values()) tf.dispose([gathered, squares ?? []]);
};

const tensorsOf = (means: ReadonlyMap<string, Means<tf.Tensor>>, key: keyof Means<tf.Tensor>) =>
  Object.fromEntries([...means].map(([name, m]) => [name, m[key]!]));

function eachOnce(gradients: readonly GradientEntry[]): tf.NamedTensorMap {
  const seen = new Set<string>();
  for (const [name] of gradients) {
    if (seen.has(name)) {
      throw new TypeError(`Cannot accumulate: the gradient of "${name}" is given twice`);
    }
    seen.add(name);
  }
  return Object.fromEntries(gradients);
}

/**
 * The mean gradient over calls on micro-batches of equal size, and the mean of their squared gradients
 * if `squares`. A variable that a call brings no gradient of has a gradient of 0 there. Curvature is
 * averaged over the calls that bring it, batch sizes are added up.
 */
export function createGatherer(backend: Backend<tf.Tensor>, squares: boolean): Gatherer {
  const means = accumulator(backend, { squares, inPlace: false });
  const samples = accumulator(backend, { squares: false, inPlace: false });
  let totals = none;

  const addTo = (
    { add }: typeof means,
    before: ReadonlyMap<string, Means<tf.Tensor>>,
    given: tf.NamedTensorMap,
    j: number,
  ): Map<string, Means<tf.Tensor>> => {
    const names = [...new Set([...before.keys(), ...Object.keys(given)])];
    const zeros: tf.Tensor[] = [];
    const zeroLike = (name: string) => {
      const zero = tf.zerosLike(before.get(name)!.gathered);
      zeros.push(zero);
      return zero;
    };
    try {
      const added = add(
        names.map((name) => {
          const gradient = given[name] ?? zeroLike(name);
          return { shape: gradient.shape, gradient, ...before.get(name) };
        }),
        j,
        "mean",
      );
      return new Map(names.map((name, i) => [name, added[i]!]));
    } finally {
      tf.dispose(zeros);
    }
  };

  const drop = () => {
    disposeMeans(totals.means);
    disposeMeans(totals.curvature);
    totals = none;
  };

  const add: Gatherer["add"] = (gradients, evidence = {}) => {
    if (evidence.gradientSquares) {
      throw new TypeError(
        "Cannot accumulate: gradientSquares are made from the accumulated calls, and given too",
      );
    }
    const before = totals;
    const calls = before.calls + 1;
    const given = Array.isArray(gradients) ? eachOnce(gradients) : gradients;
    const summed = addTo(means, before.means, given as tf.NamedTensorMap, calls);
    let curvature = before.curvature;
    const sampled = before.samples + (evidence.curvature ? 1 : 0);
    try {
      if (evidence.curvature) {
        curvature = addTo(samples, before.curvature, evidence.curvature, sampled);
      }
    } catch (error) {
      disposeMeans(summed);
      throw error;
    }
    const examples = evidence.batchSize === undefined || before.examples === undefined
      ? undefined
      : before.examples + evidence.batchSize;
    const after: Totals = { calls, means: summed, samples: sampled, curvature, examples };
    return {
      calls,
      gradients: tensorsOf(summed, "gathered"),
      evidence: {
        ...(sampled > 0 ? { curvature: tensorsOf(curvature, "gathered") } : {}),
        ...(squares ? { gradientSquares: tensorsOf(summed, "squares"), microBatches: calls } : {}),
        ...(examples === undefined ? {} : { batchSize: examples }),
      },
      commit() {
        disposeMeans(before.means);
        if (curvature !== before.curvature) disposeMeans(before.curvature);
        totals = after;
      },
      rollback() {
        disposeMeans(summed);
        if (curvature !== before.curvature) disposeMeans(curvature);
      },
    };
  };

  return {
    get calls() {
      return totals.calls;
    },
    add,
    take(gradients, evidence, { calls, update }) {
      const mean = add(gradients, evidence);
      if (mean.calls < calls) {
        mean.commit();
        return false;
      }
      try {
        update(Object.entries(mean.gradients), mean.evidence);
      } finally {
        mean.rollback();
      }
      drop();
      return true;
    },
    drop,
    dispose() {
      drop();
      means.dispose();
      samples.dispose();
    },
  };
}
