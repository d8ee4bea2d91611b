/** @module */
import type { StepOptions } from "../trainer/options.ts";

/**
 * The caller's curvature samples.
 *
 * @throws {TypeError} If one is missing or has another number of elements than its parameter.
 */
export function userCurvature(
  parameters: readonly { readonly name: string; readonly size: number }[],
  { curvature }: StepOptions,
): Readonly<Record<string, Float32Array>> {
  for (const { name, size } of parameters) {
    const given = curvature?.[name];
    if (given === undefined || given.length !== size) {
      throw new TypeError(
        `Cannot step: a curvature sample of "${name}" is due: expected ${size} elements, ` +
          `given are ${given?.length ?? "none"}`,
      );
    }
  }
  return curvature!;
}
