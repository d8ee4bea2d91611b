import * as tf from "@tensorflow/tfjs-core";
import fc from "fast-check";
import { assertClose, type Plain, plain, runOnWasm } from "../_testing.ts";
import { geometry2D, geometry3D } from "./_geometry.ts";
import { maxPoolGradient } from "../scenarios/reference.ts";

type Info2D = Parameters<typeof tf.backend_util.computePool2DInfo>;
type Info3D = Parameters<typeof tf.backend_util.computePool3DInfo>;

interface Case {
  readonly x: Plain;
  readonly window: number[];
  readonly strides: number[];
  readonly pad: "same" | "valid";
}

async function check({ x, window, strides, pad }: Case): Promise<void> {
  const flat = window.length === 2;
  const info = [x.shape, window, strides, 1, pad];
  const geometry = flat
    ? geometry2D(tf.backend_util.computePool2DInfo(...info as unknown as Info2D))
    : geometry3D(tf.backend_util.computePool3DInfo(...info as unknown as Info3D));
  const { axes, images, channels } = geometry;
  const outs = (flat ? axes.slice(1) : axes).map((a) => a.out);
  const dy = plain([images, ...outs, channels], 3);
  const { y, dx } = maxPoolGradient(geometry, x.values, dy.values);
  const output = { shape: dy.shape, values: Float32Array.from(y) };
  const attrs = { filterSize: window, strides, pad, dimRoundingMode: undefined };
  const kernel = flat ? tf.MaxPoolGrad : tf.MaxPool3DGrad;
  if (!flat) {
    // Values are copied, but for an image without places.
    assertClose(await runOnWasm(tf.MaxPool3D, { x }, attrs), dy.shape, y, 1e-6);
  }
  assertClose(await runOnWasm(kernel, { dy, input: x, output }, attrs), x.shape, dx, 1e-6);
}

const arbitrary = (rank: number): fc.Arbitrary<Case> => {
  const each = <T>(value: fc.Arbitrary<T>) => fc.array(value, { minLength: rank, maxLength: rank });
  return fc.record({
    images: fc.integer({ min: 0, max: 3 }),
    channels: fc.integer({ min: 1, max: 11 }),
    window: each(fc.integer({ min: 1, max: 3 })),
    spare: each(fc.integer({ min: 0, max: 4 })),
    strides: each(fc.integer({ min: 1, max: 3 })),
    pad: fc.constantFrom("same", "valid"),
    // Few different values, so that windows have equal maxima, and all of them negative.
    levels: fc.constantFrom(2, 1000),
    shift: fc.constantFrom(0, -2),
  }).map(({ images, channels, window, spare, strides, pad, levels, shift }) => {
    const shape = [images, ...window.map((k, i) => k + spare[i]!), channels];
    const { values } = plain(shape, 5);
    const x = { shape, values: values.map((v) => Math.round(v * levels) / levels + shift) };
    return { x, window, strides, pad };
  });
};

for (const rank of [2, 3]) {
  Deno.test(`max-pooling in ${rank} dimensions: the first maximum of a window gets its gradient`, () =>
    fc.assert(fc.asyncProperty(arbitrary(rank), check), { numRuns: 150, seed: 16 }));
}

Deno.test("a window of negative numbers passes its gradient to the largest", async () => {
  const result = await runOnWasm(tf.MaxPoolGrad, {
    input: { shape: [1, 2, 2, 1], values: Float32Array.of(-4, -3, -2, -1) },
    output: { shape: [1, 1, 1, 1], values: Float32Array.of(-1) },
    dy: { shape: [1, 1, 1, 1], values: Float32Array.of(5) },
  }, { filterSize: [2, 2], strides: [2, 2], pad: "valid" });
  assertClose(result, [1, 2, 2, 1], [0, 0, 0, 5], 0);
});
