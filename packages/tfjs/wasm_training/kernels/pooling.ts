/** @module */
import * as tf from "@tensorflow/tfjs-core";
import { onArrays } from "../host.ts";
import { floatInputs, type Kernel } from "./_kernel.ts";
import { type Geometry, geometry2D, geometry3D, stepsOf } from "./_geometry.ts";

type Info2D = Parameters<typeof tf.backend_util.computePool2DInfo>;
type Info3D = Parameters<typeof tf.backend_util.computePool3DInfo>;

function gradient(
  kernel: string,
  geometryOf: (x: number[], attrs: tf.NamedAttrMap) => Geometry,
): Kernel {
  return (call) => {
    const { dy, input, output } = floatInputs(kernel, call, ["dy", "input", "output"]);
    const { backend, attrs } = call;
    const { axes, images, channels } = geometryOf(input.shape, attrs);
    const dx = backend.makeOutput(input.shape, "float32");
    const arrays = { kernel, inputs: [input, output, dy], outputs: [dx] };
    onArrays(backend, arrays, ({ maxPool }, [x, y, from, to]) => {
      const xs = stepsOf(axes, "size", channels), ds = stepsOf(axes, "out", channels);
      for (let n = 0; n < images; n++) {
        const [xn, dn] = [n * xs.image, n * ds.image];
        maxPool(
          ...[x! + xn, y! + dn, from! + dn, to! + xn, channels],
          ...axes.map((axis) => axis.size),
          ...axes.map((axis) => axis.out),
          ...axes.map((axis) => axis.window),
          ...axes.map((axis) => axis.stride),
          ...axes.map((axis) => axis.before),
        );
      }
    });
    return dx;
  };
}

/** `MaxPoolGrad` */
export const maxPoolGrad: Kernel = gradient(tf.MaxPoolGrad, (x, attrs) => {
  const { filterSize, strides, pad, dimRoundingMode } = attrs;
  return geometry2D(tf.backend_util.computePool2DInfo(
    ...[x, filterSize, strides, 1, pad, dimRoundingMode] as unknown as Info2D,
  ));
});

/** `MaxPool3DGrad` */
export const maxPool3DGrad: Kernel = gradient(tf.MaxPool3DGrad, (x, attrs) => {
  const { filterSize, strides, pad, dimRoundingMode } = attrs;
  return geometry3D(tf.backend_util.computePool3DInfo(
    ...[x, filterSize, strides, 1, pad, dimRoundingMode] as unknown as Info3D,
  ));
});
