/** @module */
import { mul, reduceSum, sub } from "../../graph/emit.ts";
import { axisOf } from "../shared/axis.ts";
import {
  broadcasting,
  broadcastShares,
  type Examples,
  type PerExampleRule,
  refuseExamples,
} from "./examples.ts";
import { castLike, channels, inverseRoot, standardized, widened } from "../shared/standardized.ts";

/** `x̂` with statistics over the axes from `axis` on: the same nodes as the gradient's. */
function normalized(n: Examples, axis: number, centred: boolean): string {
  const { b } = n;
  const x = widened(b, n.input(0)!);
  return standardized(b, x, { axis, epsilon: n.float("epsilon", 1e-5), centred }).xhat;
}

/** ∂y times x̂, in the element type of ∂y. */
function timesNormalized(n: Examples, axis: number, centred: boolean): string {
  const { b } = n;
  const delta = n.cotangent();
  return castLike(b, mul(b, widened(b, delta), normalized(n, axis, centred)), delta);
}

/** `y = s x̂ + c` over the last axes. */
const overLast = (centred: boolean): PerExampleRule =>
  broadcasting((n, index) => {
    if (index === 0) refuseExamples(n, "the parameter must be its scale or bias");
    if (index === 2) return n.cotangent();
    const axis = axisOf(n, n.int("axis", -1), n.b.dims(n.input(0)!).length);
    return timesNormalized(n, axis, centred);
  });

/** A gradient per channel (axis 1), not yet summed. */
const perChannel = (
  gradient: (n: Examples, index: number) => string,
): PerExampleRule => ({
  shares: (n, index) => {
    if (index !== 1 && index !== 2) refuseExamples(n, "the parameter must be its scale or bias");
    const value = gradient(n, index);
    const inner = n.b.dims(value).slice(2).map((_, k) => k + 2);
    return broadcastShares(n, reduceSum(n.b, value, inner, false), n.input(index)!);
  },
});

/** `y = s x̂ + c`, statistics of each image's channels. */
const instanceNormalization = perChannel((n, index) =>
  index === 2 ? n.cotangent() : timesNormalized(n, 2, true)
);

/** `y = s x̂ + c` with running statistics. */
const batchNormalization = perChannel((n, index) => {
  const { b } = n;
  if (index === 2) return n.cotangent();
  const x = n.input(0)!;
  const rank = b.dims(x).length;
  const r = inverseRoot(b, n.input(4)!, n.float("epsilon", 1e-5));
  const standard = mul(b, sub(b, x, channels(b, n.input(3)!, rank)), channels(b, r, rank));
  return mul(b, n.cotangent(), standard);
});

/** Normalizations with parameters, by operator. */
export const normalizations: readonly (readonly [string, PerExampleRule])[] = [
  ["LayerNormalization", overLast(true)],
  ["RMSNormalization", overLast(false)],
  ["InstanceNormalization", instanceNormalization],
  ["BatchNormalization", batchNormalization],
];
