/** @module */
import { type Array, defaultDevice, tree } from "@jax-js/jax";
import { expr } from "@precond/core/pieces";
import { compileProgram, type Kernel, layout } from "@precond/core/backend";
import { backendOf, type DeviceBackend } from "../backends/arrays.ts";
import { leavesLike, namedLeaves, treeLike } from "./named_leaves.ts";
import type { ArrayTree } from "./precond.ts";

const sum = compileProgram({
  outputs: [{ name: "sum", shape: "element", value: expr.add(expr.read("a"), expr.read("b")) }],
});
const kernels = new WeakMap<DeviceBackend, Kernel<Array>>();

/**
 * The parameters after an update: `params + updates`, array by array. Consumes both; if it throws,
 * neither.
 *
 * @throws {TypeError} If the trees differ.
 *
 * @example
 * ```ts
 * import { numpy as np } from "@jax-js/jax";
 * import { applyUpdates } from "@precond/jax-js";
 * import assert from "node:assert/strict";
 *
 * const { w } = applyUpdates({ w: np.array([1, 2]) }, { w: np.array([0.5, -2]) });
 * assert.deepEqual(w.js(), [1.5, 0]);
 * ```
 */
export function applyUpdates<Params extends ArrayTree>(params: Params, updates: Params): Params {
  const action = "apply updates";
  const leaves = namedLeaves(action, "params", params);
  const expected = leaves.map(({ name, array }) => ({ name, shape: array.shape }));
  const device = leaves[0]?.array.device ?? defaultDevice();
  const weights = leavesLike(action, "params", params, expected, device);
  const changes = leavesLike(action, "updates", updates, expected, device);
  if (leaves.length === 0) return params;
  const backend = backendOf(device);
  let kernel = kernels.get(backend);
  if (!kernel) kernels.set(backend, kernel = backend.compile(sum));
  const outputs = expected.map(({ shape }) => backend.blank(shape));
  let sums: readonly Array[];
  try {
    backend.prepare([...weights, ...changes, ...outputs]);
    sums = kernel.run(weights.map((a, i) => ({
      ...layout(a.shape),
      inputs: [a, changes[i]!],
      outputs: [outputs[i]!],
      scalars: new Float64Array(),
    }))).map((result) => result.outputs[0]!);
  } catch (error) {
    outputs.forEach((array) => array.dispose());
    throw error;
  }
  outputs.forEach((array, i) => array === sums[i] || array.dispose());
  const next = treeLike(params, expected.map(({ name }) => name), sums);
  tree.dispose(params);
  tree.dispose(updates);
  return next;
}
