/** @module */
import { declaration, mul } from "../rules/shared/mod.ts";
import { type Growth, nameResults } from "./growth.ts";
import { backpropagate } from "./reverse.ts";

/** Appends Hutchinson's sample of the Hessian's diagonal, `v∘Hv`, v (random signs) as inputs. */
export function appendHutchinson(
  growth: Growth,
): { vectors: Map<string, string>; curvatures: Map<string, string> } {
  const { b } = growth;
  const { vectors, found } = productsOf(growth);
  const samples = new Map(
    [...found].map(([name, product]) => [
      name,
      product === undefined ? undefined : mul(b, vectors.get(name)!, product),
    ]),
  );
  return { vectors, curvatures: nameResults(b, samples, "_curvature") };
}

/** Appends `Hv` without names, v as inputs. */
export function productsOf(
  { b, parts, parameters, gradients, added, options }: Growth,
): { vectors: Map<string, string>; found: Map<string, string | undefined> } {
  const vectors = new Map<string, string>();
  const seeds = new Map<string, string>();
  for (const name of parameters) {
    const vector = b.fresh(`${name}_vector`);
    const { dataType, dims } = b.type(name)!;
    b.declare(vector, { dataType, dims });
    added.push(declaration(vector, dataType, dims));
    vectors.set(name, vector);
    // ∂(Σ g·v)/∂g = v: no need to build the inner product.
    seeds.set(gradients.get(name)!, vector);
  }
  return { vectors, found: backpropagate(b, parts.lookup, seeds, parameters, options.stopped) };
}
