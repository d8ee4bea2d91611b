/** @module */
import { product } from "../../graph/dims.ts";
import { DataType } from "../../model/data_type.ts";
import { div, indicator, mul, reduceSum, reshape } from "../../graph/emit.ts";
import {
  asMatrices,
  byExample,
  type Examples,
  type PerExampleRule,
  refuseExamples,
  reshapeLead,
} from "./examples.ts";
import { addAlong } from "../shared/places.ts";

/** Tokens as [B, T], those that count from the end as those from the start that they equal. */
function tokensOf(n: Examples, rows: number): string {
  const { b } = n;
  const index = n.input(1)!;
  const wide = b.type(index)?.dataType === DataType.INT32
    ? b.op("Cast", [index], { to: DataType.INT64 })
    : index;
  const tokens = b.op("Mod", [byExample(n, wide), b.ints([rows])]);
  const dims = b.dims(tokens);
  if (dims.length === 2) return tokens;
  if (dims.length === 1) return b.op("Unsqueeze", [tokens, b.ints([1])]);
  const lead = [dims[0]!, product(dims.slice(1))];
  return reshapeLead(n, tokens, { lead, like: tokens, from: dims.length });
}

/** Rows of a table: equal tokens of an example add up before they are squared. */
export const gather: PerExampleRule = {
  shares: (n) =>
    refuseExamples(
      n,
      "a table that is used more than once would need a gradient of its size for each example",
    ),
  squares: (n, index, scale) => {
    const { b } = n;
    const table = b.dims(n.input(0)!);
    if (index !== 0 || n.int("axis", 0) !== 0 || table.length !== 2) {
      refuseExamples(n, `the parameter must be a matrix whose rows are taken`);
    }
    const [rows, width] = table;
    if (typeof rows !== "number" || typeof width !== "number") {
      refuseExamples(n, `the table's shape [${table}] is not known`);
    }
    const tokens = tokensOf(n, rows);
    const delta = b.dims(tokens)[1] === 1 ? column(n) : asMatrices(n, n.cotangent());
    // same[i, t, s] = 1 where tokens t and s of example i are equal
    const same = indicator(
      b,
      b.op("Equal", [
        b.op("Unsqueeze", [tokens, b.ints([2])]),
        b.op("Unsqueeze", [tokens, b.ints([1])]),
      ]),
      delta,
    );
    const sums = b.op("MatMul", [same, delta]);
    // Each of m equal tokens brings 1/m of the square.
    const shared = mul(
      b,
      div(b, mul(b, sums, sums), reduceSum(b, same, [2], true)),
      scale,
    );
    const count = product(b.dims(tokens));
    return addAlong(b, {
      zeros: b.op("Expand", [b.scalar(0, delta), b.ints([rows, width])]),
      indices: b.op("Reshape", [tokens, b.ints([-1, 1])]),
      updates: reshape(b, shared, [count, width]),
      axis: 0,
    });
  },
};

/** ∂loss of one token an example, as [B, 1, width]. */
function column(n: Examples): string {
  const { b } = n;
  const delta = n.cotangent();
  return b.dims(delta).length === 2 ? b.op("Unsqueeze", [delta, b.ints([1])]) : delta;
}
