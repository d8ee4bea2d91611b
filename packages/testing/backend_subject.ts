/** @module */
import { type Backend, createDriver } from "@precond/core/backend";
import type { SubjectFactory } from "./conformance.ts";

/** A subject that drives a backend of core's interface. */
export function backendSubject<A>(backend: Backend<A>): SubjectFactory {
  return (definition, parameters) => {
    const driver = createDriver(definition, backend);
    const weights = new Map(
      Object.entries(parameters).map(([name, p]) => [name, backend.write(p.weights, p.shape)]),
    );
    return {
      async step({ evidence, microBatches, batchSize }) {
        await driver.ready();
        const given = Object.entries(evidence).map(([name, e]) => {
          const { shape } = parameters[name]!;
          const enter = (values: Float32Array | undefined) =>
            values && backend.write(values, shape);
          return {
            name,
            shape,
            weights: weights.get(name)!,
            gradient: enter(e.gradient)!,
            curvature: enter(e.curvature),
            gradientSquares: enter(e.gradientSquares),
          };
        });
        const result = driver.step(given, { microBatches, batchSize });
        given.forEach(({ name }, i) => weights.set(name, result.weights[i]!));
      },
      async weights() {
        const entries = [...weights].map(async ([name, a]) => [name, await backend.read(a)]);
        return Object.fromEntries(await Promise.all(entries));
      },
      dispose: () => driver.dispose(),
    };
  };
}
