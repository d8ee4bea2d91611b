/**
 * What a backend's reads give while later steps go on.
 *
 * @module
 */
import { chain, learningRate, momentum } from "@precond/core";
import { type Backend, createDriver, productsOf } from "@precond/core/backend";
import { same } from "./same.ts";

/**
 * Checks that a read gives the values at its call, whatever is written into the array afterwards and
 * even if it is disposed: by kernels, and by products where the backend has them.
 */
export async function checkReads<A>(backend: Backend<A>): Promise<void> {
  const shape = [3, 5], size = 15;
  const driver = createDriver(
    chain(momentum({ decay: 0.5, form: "sum" }), learningRate(1)),
    backend,
  );
  const ones = () => backend.write(new Float32Array(size).fill(1), shape);
  let weights = ones();
  const step = () => {
    const gradient = ones();
    const result = driver.step([{ name: "w", shape, weights, gradient }]);
    if (result.weights[0] !== weights) backend.dispose(weights);
    weights = result.weights[0]!;
    backend.dispose(gradient);
  };
  step();
  const [slot] = Object.keys(driver.state().parameters.get("w")!.slots);
  step();
  // a = 1, then 1 / 2 + 1; w = 1 − 1 − 1.5
  const reads = [backend.read(driver.slot("w", slot!)), backend.read(weights)];
  step();
  // Then 1.75 and −3.25; the one after it 1.875 and −5.125.
  const later = [backend.read(driver.slot("w", slot!)), backend.read(weights)];
  step();
  const last = [backend.read(driver.slot("w", slot!)), backend.read(weights)];
  driver.dispose();
  backend.dispose(weights);
  const expected = [1.5, -1.5, 1.75, -3.25, 1.875, -5.125];
  same(
    (await Promise.all([...reads, ...later, ...last])).map((values) => [...values]),
    expected.map((value) => new Array(size).fill(value)),
    "reads of a step's arrays",
  );
  const multiply = productsOf(backend);
  if (!multiply) return;
  const x = backend.write(Float32Array.of(2), [1, 1]);
  const y = backend.write(Float32Array.of(3, 4), [1, 2]);
  const call = { rows: 1, inner: 1, columns: 2 };
  const into = (a: A, out: A) => {
    const [result] = multiply([{ ...call, a, b: y, out }]);
    if (result !== out) backend.dispose(out);
    return result!;
  };
  const first = into(x, backend.allocate([1, 2], 0)), before = backend.read(first);
  const minus = backend.write(Float32Array.of(-1), [1, 1]);
  const second = into(minus, first), after = backend.read(second);
  for (const array of [x, y, minus, second]) backend.dispose(array);
  same([[...await before], [...await after]], [[6, 8], [-3, -4]], "reads of a product");
}
