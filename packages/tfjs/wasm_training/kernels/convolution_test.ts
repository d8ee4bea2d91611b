import * as tf from "@tensorflow/tfjs-core";
import fc from "fast-check";
import { assertClose, plain, runOnWasm } from "../_testing.ts";
import { type Geometry, geometry2D, geometry3D } from "./_geometry.ts";
import { convolutionGradients } from "../scenarios/reference.ts";

type Info2D = Parameters<typeof tf.backend_util.computeConv2DInfo>;
type Info3D = Parameters<typeof tf.backend_util.computeConv3DInfo>;

/** A convolution in two or three dimensions. */
interface Case {
  readonly x: number[];
  readonly filter: number[];
  readonly strides: number[];
  readonly dilations: number[];
  readonly pad: "same" | "valid" | [number, number][];
}

const names = {
  conv2d: [tf.Conv2DBackpropInput, tf.Conv2DBackpropFilter],
  depthwise: [tf.DepthwiseConv2dNativeBackpropInput, tf.DepthwiseConv2dNativeBackpropFilter],
  conv3d: [tf.Conv3DBackpropInputV2, tf.Conv3DBackpropFilterV2],
} as const;
type Kind = keyof typeof names;

function geometryOf(kind: Kind, { x, filter, strides, dilations, pad }: Case): Geometry {
  if (kind === "conv3d") {
    return geometry3D(
      tf.backend_util.computeConv3DInfo(
        ...[x, filter, strides, dilations, pad] as unknown as Info3D,
      ),
    );
  }
  const depthwise = kind === "depthwise";
  return geometry2D(tf.backend_util.computeConv2DInfo(
    ...[x, filter, strides, dilations, pad, undefined, depthwise] as unknown as Info2D,
  ));
}

async function check(kind: Kind, test: Case): Promise<void> {
  const geometry = geometryOf(kind, test), { axes, images, filters } = geometry;
  const spatial = kind === "conv3d" ? axes : axes.slice(1);
  const x = plain(test.x, 1), filter = plain(test.filter, 2);
  const dy = plain([images, ...spatial.map((a) => a.out), filters], 3);
  const { dx, dw } = convolutionGradients(
    geometry,
    kind === "depthwise",
    x.values,
    filter.values,
    dy.values,
  );
  const { strides, dilations, pad } = test;
  const attrs = { strides, dilations, pad, dataFormat: "NHWC", dimRoundingMode: undefined };
  const [input, weights] = names[kind];
  assertClose(
    await runOnWasm(input, { dy, filter }, { ...attrs, inputShape: test.x }),
    test.x,
    dx,
  );
  assertClose(
    await runOnWasm(weights, { x, dy }, { ...attrs, filterShape: test.filter }),
    test.filter,
    dw,
  );
}

function arbitrary(kind: Kind): fc.Arbitrary<Case> {
  const rank = kind === "conv3d" ? 3 : 2;
  const each = <T>(value: fc.Arbitrary<T>) => fc.array(value, { minLength: rank, maxLength: rank });
  const small = (max: number) => fc.integer({ min: 1, max });
  return fc.record({
    images: fc.integer({ min: 0, max: 3 }),
    channels: small(rank === 3 ? 5 : 21),
    // Depthwise: filters a channel.
    filters: small(kind === "depthwise" ? 6 : rank === 3 ? 5 : 19),
    window: each(small(4)),
    // Places beside one window.
    spare: each(fc.integer({ min: 0, max: 6 })),
    stride: small(3),
    dilation: small(3),
    pad: fc.oneof(
      fc.constantFrom("same" as const, "valid" as const),
      each(fc.tuple(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 0, max: 4 }))),
    ),
  }).map(({ images, channels, filters, window, spare, stride, dilation, pad }): Case => {
    // tfjs has either strides or dilations.
    const dilated = stride === 1 ? dilation : 1;
    return {
      x: [images, ...window.map((k, i) => (k - 1) * dilated + 1 + spare[i]!), channels],
      filter: [...window, channels, filters],
      strides: new Array(rank).fill(stride),
      dilations: new Array(rank).fill(dilated),
      // tfjs has no explicit padding in three dimensions.
      pad: typeof pad === "string" ? pad : rank === 3 ? "same" : [[0, 0], ...pad, [0, 0]],
    };
  });
}

for (const kind of ["conv2d", "depthwise", "conv3d"] as const) {
  Deno.test(`both gradients of ${kind} match the convolution one tap at a time`, async () => {
    await tf.setBackend("wasm");
    await fc.assert(
      fc.asyncProperty(arbitrary(kind), (test) => check(kind, test)),
      { numRuns: 150, seed: 16 },
    );
  });
}

Deno.test("both gradients of networks' convolutions match", async () => {
  const ones = [1, 1];
  await check("conv2d", {
    x: [2, 28, 28, 1],
    filter: [5, 5, 1, 8],
    strides: ones,
    dilations: ones,
    pad: "same",
  });
  await check("conv2d", {
    x: [2, 14, 14, 8],
    filter: [5, 5, 8, 16],
    strides: ones,
    dilations: ones,
    pad: "same",
  });
  await check("conv2d", {
    x: [1, 33, 33, 3],
    filter: [7, 7, 3, 16],
    strides: [2, 2],
    dilations: ones,
    pad: "same",
  });
  await check("depthwise", {
    x: [2, 14, 14, 32],
    filter: [3, 3, 32, 1],
    strides: [2, 2],
    dilations: ones,
    pad: "same",
  });
});
