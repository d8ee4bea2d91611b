/** @module */
import * as tf from "@tensorflow/tfjs-core";
import { type Call, floatInputs, type Kernel } from "./_kernel.ts";
import { geometry3D } from "./_geometry.ts";
import { filterGradient } from "./filter_gradient.ts";
import { inputGradient } from "./input_gradient.ts";

type Info = Parameters<typeof tf.backend_util.computeConv3DInfo>;

function infoOf(inputShape: number[], filterShape: number[], { attrs }: Call) {
  const { strides, pad, dilations = 1 } = attrs;
  return geometry3D(tf.backend_util.computeConv3DInfo(
    ...[inputShape, filterShape, strides, dilations, pad] as unknown as Info,
  ));
}

/** `Conv3DBackpropFilterV2` */
export const conv3DBackpropFilter: Kernel = (call) => {
  const name = tf.Conv3DBackpropFilterV2, { x, dy } = floatInputs(name, call, ["x", "dy"]);
  const filterShape = call.attrs.filterShape as number[];
  const geometry = infoOf(x.shape, filterShape, call);
  return filterGradient(call.backend, name, geometry, x, dy, filterShape);
};

/** `Conv3DBackpropInputV2` */
export const conv3DBackpropInput: Kernel = (call) => {
  const name = tf.Conv3DBackpropInputV2;
  const { dy, filter } = floatInputs(name, call, ["dy", "filter"]);
  const inputShape = call.attrs.inputShape as number[];
  const geometry = infoOf(inputShape, filter.shape, call);
  return inputGradient(call.backend, name, geometry, dy, filter, inputShape);
};
