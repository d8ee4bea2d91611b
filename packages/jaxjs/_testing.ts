/**
 * Helpers of this package's tests.
 *
 * @module
 */
import { type Array, blockUntilReady, type Device, numpy as np, tree } from "@jax-js/jax";
import type { Subject, SubjectFactory } from "@precond/testing";
import { applyUpdates, precond, type TreeEvidence } from "./mod.ts";

/** An array on the device. */
export function arrayOn(device: Device, values: Float32Array, shape: readonly number[]): Array {
  return np.array(values.slice(), { shape: [...shape], device });
}

/** A subject that steps a tree of arrays with `update()` and `applyUpdates()`. */
export function treeSubject(device: Device): SubjectFactory {
  return (definition, parameters): Subject => {
    const on = (values: Float32Array, name: string) =>
      arrayOn(device, values, parameters[name]!.shape);
    const solver = precond(definition);
    let params = Object.fromEntries(
      Object.entries(parameters).map(([name, { weights }]) => [name, on(weights, name)]),
    );
    let state = solver.init(tree.ref(params));
    return {
      async step({ evidence, microBatches, batchSize }) {
        const pick = (kind: "gradient" | "curvature" | "gradientSquares") => {
          const entries = Object.entries(evidence).flatMap(([name, e]) =>
            e[kind] ? [[name, on(e[kind]!, name)] as const] : []
          );
          return entries.length > 0 ? Object.fromEntries(entries) : undefined;
        };
        const brought: TreeEvidence<typeof params> = {
          curvature: pick("curvature"),
          gradientSquares: pick("gradientSquares"),
          microBatches,
          batchSize,
        };
        const [updates, next] = solver.update(pick("gradient")!, state, tree.ref(params), brought);
        params = applyUpdates(params, updates);
        state = next;
        // What a basis reads from a GPU arrives meanwhile.
        if (device === "webgpu") await blockUntilReady(params);
      },
      async weights() {
        const entries = Object.entries(params).map(async ([name, array]) =>
          [name, await array.ref.data() as Float32Array] as const
        );
        return Object.fromEntries(await Promise.all(entries));
      },
      dispose() {
        state.dispose();
        tree.dispose(params);
      },
    };
  };
}
