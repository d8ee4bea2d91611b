/** @module */
import * as tf from "@tensorflow/tfjs-core";
import { type Call, floatInputs, type Kernel, sizeOf } from "./_kernel.ts";
import { geometry2D } from "./_geometry.ts";
import { filterGradient } from "./filter_gradient.ts";
import { convolveOnce, inputGradient, turnedFilter, turnedPadding } from "./input_gradient.ts";

type Info = Parameters<typeof tf.backend_util.computeConv2DInfo>;

function infoOf(kernel: string, inputShape: number[], filterShape: number[], { attrs }: Call) {
  const { strides, pad, dataFormat = "NHWC", dimRoundingMode, dilations = 1 } = attrs;
  if (dataFormat !== "NHWC") {
    throw new TypeError(
      `Cannot run ${kernel} on wasm: dataFormat is expected to be NHWC, current value is ${dataFormat}`,
    );
  }
  return geometry2D(tf.backend_util.computeConv2DInfo(
    ...[inputShape, filterShape, strides, dilations, pad, dimRoundingMode] as unknown as Info,
  ));
}

/** `Conv2DBackpropFilter`; of dilations, which tfjs does not give, it knows, too. */
export const conv2DBackpropFilter: Kernel = (call) => {
  const name = tf.Conv2DBackpropFilter, { x, dy } = floatInputs(name, call, ["x", "dy"]);
  const filterShape = call.attrs.filterShape as number[];
  const geometry = infoOf(name, x.shape, filterShape, call);
  return filterGradient(call.backend, name, geometry, x, dy, filterShape);
};

/** `Conv2DBackpropInput`; of dilations, which tfjs does not give, it knows, too. */
export const conv2DBackpropInput: Kernel = (call) => {
  const name = tf.Conv2DBackpropInput;
  const { dy, filter } = floatInputs(name, call, ["dy", "filter"]);
  const { backend, attrs } = call, inputShape = attrs.inputShape as number[];
  const geometry = infoOf(name, inputShape, filter.shape, call);
  const pad = turnedPadding(geometry);
  // XNNPACK refuses arrays without elements.
  if (!pad || [dy, filter].some((t) => sizeOf(t) === 0)) {
    return inputGradient(backend, name, geometry, dy, filter, inputShape);
  }
  const turned = turnedFilter(backend, name, filter, geometry.channels, geometry.filters);
  const dilations = [geometry.axes[1].dilation, geometry.axes[2].dilation];
  return convolveOnce(backend, tf.Conv2D, dy, turned, { pad, dilations, dataFormat: "NHWC" });
};
