/** @module */
import * as tf from "@tensorflow/tfjs-core";
import { apart, broken, gradientOf, type OpCase } from "./operations.ts";

type Image = tf.Tensor4D;

const pools: OpCase[] = (["maxPool", "avgPool"] as const).flatMap((kind) => [
  ...([[2, 2, "valid"], [3, 2, "same"], [2, 1, "same"], [3, 1, 1]] as const).map(
    ([size, stride, pad]): OpCase => ({
      name: `${kind} ${size}, stride ${stride}, ${pad}`,
      shape: [2, 5, 4, 2],
      corrected: kind === "avgPool" && pad !== "valid",
      f: (x) => tf[kind](x as Image, size, stride, pad),
      ...(kind === "maxPool" ? { domain: apart, wasm: broken } : {}),
    }),
  ),
]);

const images: OpCase[] = [
  ...(["resizeBilinear", "resizeNearestNeighbor"] as const).flatMap((kind) =>
    [false, true].map((corners): OpCase => ({
      name: `${kind}${corners ? ", alignCorners" : ""}`,
      // Square: the cpu backend swaps height and width in the gradient of resizeBilinear.
      shape: [1, 4, 4, 2],
      f: (x) => tf.image[kind](x as Image, [6, 7], corners),
    }))
  ),
];

const cases = [...pools, ...images];
/** Operations of this group. */
export const poolingCases: readonly OpCase[] = [...cases, ...cases.map(gradientOf)];
