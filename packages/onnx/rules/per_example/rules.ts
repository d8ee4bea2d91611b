/** @module */
import { div, mul, neg } from "../../graph/emit.ts";
import { broadcasting, type Examples, type PerExampleRule } from "./examples.ts";
import { normalizations } from "./normalizations.ts";
import { products } from "./products.ts";
import { gather } from "./tables.ts";

const other = (n: Examples, index: number) => n.input(1 - index)!;

/** Operators through which a parameter may enter, by name. */
export const perExampleRules: ReadonlyMap<string, PerExampleRule> = new Map([
  ...products,
  ...normalizations,
  ["Gather", gather],
  ["Add", broadcasting((n) => n.cotangent())],
  ["Sub", broadcasting((n, index) => index === 0 ? n.cotangent() : neg(n.b, n.cotangent()))],
  ["Mul", broadcasting((n, index) => mul(n.b, n.cotangent(), other(n, index)))],
  [
    "Div",
    broadcasting((n, index) => {
      const share = div(n.b, n.cotangent(), n.input(1)!);
      return index === 0 ? share : neg(n.b, mul(n.b, share, n.outputs[0]!));
    }),
  ],
]);
