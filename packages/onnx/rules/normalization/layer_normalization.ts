/** @module */
import type { Builder, Operand } from "../../graph/builder.ts";
import type { Dim } from "../../graph/dims.ts";
import {
  add,
  axisOf,
  castLike,
  DataType,
  div,
  expandLike,
  mul,
  reduceSum,
  sameType,
  standardized,
  sub,
  sumTo,
  widened,
} from "../shared/mod.ts";
import type { GradientContext, Infer, NodeContext, OperatorRule } from "../../graph/rule.ts";

const firstAxis = (n: NodeContext, rank: number) => axisOf(n, n.int("axis", -1), rank);

/** y like x; mean and 1/deviation with the normalized axes as ones. */
const normalizedTypes: Infer = (n) => {
  const type = n.type(0);
  if (type === undefined) return [];
  const rank = type.dims?.length;
  const from = rank === undefined ? undefined : firstAxis(n, rank);
  const dims = type.dims?.map((d, k): Dim => k < from! ? d : 1);
  // Float32 for double too.
  const statistic = { dataType: n.int("stash_type", DataType.FLOAT), dims };
  return [type, statistic, statistic];
};

/** `y = s x̂ + c`, `x̂ = (x − μ) r`, `r = 1/√(σ² + ε)` over the axes from `axis` on. */
const layerNormalization: OperatorRule = {
  opType: "LayerNormalization",
  since: 17,
  infer: normalizedTypes,
  gradient: (n) => gradientOf(n, true),
};

/** `y = s x r`, `r = 1/√(mean x² + ε)` over the axes from `axis` on. */
const rmsNormalization: OperatorRule = {
  opType: "RMSNormalization",
  since: 23,
  infer: sameType,
  gradient: (n) => gradientOf(n, false),
};

/**
 * `∂x = r (g − ⟨g⟩ − x̂ ⟨g x̂⟩)`, `g = s ∂y`, ⟨⟩ the mean over the axes (⟨g⟩ only where the mean is
 * taken off); `∂s = Σ ∂y x̂`, `∂c = Σ ∂y`. What the loss takes from the further outputs joins the
 * means: `∂μ/∂x = 1/n`, `∂r/∂x = −r² x̂/n`.
 */
function gradientOf(n: GradientContext, centred: boolean): (string | undefined)[] {
  const { b } = n;
  const [x, s] = [widened(b, n.input(0)!), widened(b, n.input(1)!)];
  const [dy, dmean, dr] = n.cotangents.map((c) =>
    c === undefined ? undefined : castLike(b, widened(b, c), x)
  );
  const axis = firstAxis(n, b.dims(x).length);
  const bias = n.input(2);
  const { xhat, r, count } = standardized(b, x, {
    axis,
    epsilon: n.float("epsilon", 1e-5),
    centred,
  });
  const axes = b.dims(x).slice(axis).map((_, k) => axis + k);
  const mean = (value: string) => div(b, reduceSum(b, value, axes, true), count);
  const each = dy === undefined ? undefined : mul(b, dy, xhat);

  const dx = () => {
    const g = dy === undefined ? undefined : mul(b, dy, s);
    const along = sumOf(b, [
      g === undefined ? undefined : meanAlong(n, { g, each: each!, xhat, s, axes, count, mean }),
      dr === undefined ? undefined : mul(b, dr, div(b, r, count)),
    ]);
    const level = !centred ? undefined : sumOf(b, [
      g === undefined ? undefined : b.op("ReduceMean", [g, b.ints(axes)], { keepdims: 1 }),
      dmean === undefined ? undefined : b.op("Neg", [div(b, dmean, mul(b, r, count))]),
    ]);
    let bracket = g;
    for (const part of [level, along === undefined ? undefined : mul(b, xhat, along)]) {
      if (part === undefined) continue;
      bracket = bracket === undefined ? b.op("Neg", [part]) : sub(b, bracket, part);
    }
    // By the mean alone all elements of a row have the same gradient.
    return castLike(b, expandLike(b, mul(b, bracket!, r), x), n.input(0)!);
  };
  const parameter = (value: string | undefined, of: string) =>
    value === undefined ? undefined : castLike(b, sumTo(b, value, of), of);
  return [
    n.wants(0) ? dx() : undefined,
    n.wants(1) ? parameter(each, n.input(1)!) : undefined,
    bias !== undefined && n.wants(2) ? parameter(dy, bias) : undefined,
  ];
}

interface Along {
  readonly g: string;
  readonly each: string;
  readonly xhat: string;
  readonly s: string;
  readonly axes: readonly number[];
  readonly count: Operand;
  readonly mean: (value: string) => string;
}

/** `⟨g x̂⟩`: where ∂s needs `∂y x̂` anyhow, as its product with s, without another full pass. */
function meanAlong(n: GradientContext, { g, each, xhat, s, axes, count, mean }: Along): string {
  const { b } = n;
  const last = b.dims(each)[b.dims(each).length - 1];
  const [size, ...more] = b.dims(s);
  if (axes.length === 1 && more.length === 0 && size === last && n.wants(1)) {
    const column = b.op("Unsqueeze", [s, b.ints([1])]);
    return div(b, b.op("MatMul", [each, column]), count);
  }
  return mean(mul(b, g, xhat));
}

function sumOf(b: Builder, parts: readonly (string | undefined)[]): string | undefined {
  const given = parts.filter((p) => p !== undefined);
  return given.length === 0 ? undefined : given.reduce((sum, p) => add(b, sum, p));
}

/** Normalization over the last axes. */
export const layerNormalizations: readonly OperatorRule[] = [layerNormalization, rmsNormalization];
