/** @module */
import * as tf from "@tensorflow/tfjs-core";
import { onArrays } from "../host.ts";
import { type Call, floatInputs, type Kernel, sizeOf } from "./_kernel.ts";
import { eachTap, geometry2D, stepsOf } from "./_geometry.ts";
import { convolveOnce, turnedFilter, turnedPadding } from "./input_gradient.ts";

type Info = Parameters<typeof tf.backend_util.computeConv2DInfo>;

function infoOf(inputShape: number[], filterShape: number[], { attrs }: Call) {
  const { strides, pad, dimRoundingMode, dilations } = attrs;
  return geometry2D(tf.backend_util.computeConv2DInfo(
    ...[
      inputShape,
      filterShape,
      strides,
      dilations ?? 1,
      pad,
      dimRoundingMode,
      true,
    ] as unknown as Info,
  ));
}

/** `DepthwiseConv2dNativeBackpropFilter` */
export const depthwiseBackpropFilter: Kernel = (call) => {
  const kernel = tf.DepthwiseConv2dNativeBackpropFilter;
  const { x, dy } = floatInputs(kernel, call, ["x", "dy"]);
  const { backend, attrs } = call, filterShape = attrs.filterShape as number[];
  const geometry = infoOf(x.shape, filterShape, call);
  const { axes, images, channels, filters } = geometry, multiplier = filterShape[3]!;
  const dw = backend.makeOutput(filterShape, "float32");
  onArrays(backend, { kernel, inputs: [x, dy], outputs: [dw] }, (functions, [from, grad, to]) => {
    const run = multiplier === 1 ? functions.depthwiseFilter : functions.depthwiseFilters;
    const xs = stepsOf(axes, "size", channels), ds = stepsOf(axes, "out", filters);
    eachTap(geometry, (tap, [, h, w]) =>
      run(
        ...[
          from! + h.at * xs.row + w.at * xs.column,
          grad! + h.first * ds.row + w.first * ds.column,
        ],
        ...[to! + 4 * tap * filters, images, h.count, w.count, channels, multiplier],
        ...[xs.image, axes[1].stride * xs.row, axes[2].stride * xs.column],
        ...[ds.image, ds.row, ds.column],
      ));
  });
  return dw;
};

/** `DepthwiseConv2dNativeBackpropInput` */
export const depthwiseBackpropInput: Kernel = (call) => {
  const kernel = tf.DepthwiseConv2dNativeBackpropInput;
  const { dy, filter } = floatInputs(kernel, call, ["dy", "filter"]);
  const { backend, attrs } = call, inputShape = attrs.inputShape as number[];
  const geometry = infoOf(inputShape, filter.shape, call);
  const { axes, images, channels, filters } = geometry, multiplier = filter.shape[3]!;
  const pad = multiplier === 1 && sizeOf(dy) > 0 ? turnedPadding(geometry) : undefined;
  if (pad) {
    // With one filter a channel nothing is exchanged: to `turn` the channels are the filters.
    const turned = turnedFilter(backend, kernel, filter, 1, channels);
    const depthwise = { ...turned, shape: filter.shape };
    const dilations = [axes[1].dilation, axes[2].dilation];
    return convolveOnce(backend, tf.DepthwiseConv2dNative, dy, depthwise, { pad, dilations });
  }
  const dx = backend.makeOutput(inputShape, "float32");
  onArrays(backend, { kernel, inputs: [dy, filter], outputs: [dx] }, (functions, [from, w, to]) => {
    const xs = stepsOf(axes, "size", channels), ds = stepsOf(axes, "out", filters);
    eachTap(geometry, (tap, [, h, v]) => {
      for (let n = 0; n < images; n++) {
        functions.depthwiseInput(
          from! + n * ds.image + h.first * ds.row + v.first * ds.column,
          w! + 4 * tap * filters,
          to! + n * xs.image + h.at * xs.row + v.at * xs.column,
          ...[h.count, v.count, channels, multiplier, ds.row, ds.column],
          ...[axes[1].stride * xs.row, axes[2].stride * xs.column],
        );
      }
    });
  });
  return dx;
};
