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
        maxPool(x! + xn, y! + dn, from! + dn, to! + xn, channels, ...places(axes));
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

const volume = (x: number[], attrs: tf.NamedAttrMap): Geometry => {
  const { filterSize, strides, pad, dimRoundingMode } = attrs;
  return geometry3D(tf.backend_util.computePool3DInfo(
    ...[x, filterSize, strides, 1, pad, dimRoundingMode] as unknown as Info3D,
  ));
};

/** `MaxPool3DGrad` */
export const maxPool3DGrad: Kernel = gradient(tf.MaxPool3DGrad, volume);

/** `MaxPool3D`: tfjs starts from the smallest positive number, so that no maximum is below it. */
export const maxPool3D: Kernel = (call) => {
  const kernel = tf.MaxPool3D, { x } = floatInputs(kernel, call, ["x"]);
  const { axes, images, channels } = volume(x.shape, call.attrs);
  const y = call.backend.makeOutput(
    [images, ...axes.map((axis) => axis.out), channels],
    "float32",
  );
  onArrays(call.backend, { kernel, inputs: [x], outputs: [y] }, ({ maxima }, [from, to]) => {
    const xs = stepsOf(axes, "size", channels), ys = stepsOf(axes, "out", channels);
    for (let n = 0; n < images; n++) {
      maxima(from! + n * xs.image, to! + n * ys.image, 0, 0, channels, ...places(axes));
    }
  });
  return y;
};

function places(axes: Geometry["axes"]): number[] {
  return (["size", "out", "window", "stride", "before"] as const).flatMap((key) =>
    axes.map((axis) => axis[key])
  );
}
