/** @module */
import * as tf from "@tensorflow/tfjs-core";
import { bytesOf, onArrays, type WasmBackend } from "../host.ts";
import { runKernel } from "./_kernel.ts";
import { type Axis, eachTap, type Geometry, stepsOf } from "./_geometry.ts";

/** The gradient of a convolution by its input, `x̅[… + t, c] = Σ y̅[…, o] w[t, c, o]`. */
export function inputGradient(
  backend: WasmBackend,
  kernel: string,
  geometry: Geometry,
  dy: tf.TensorInfo,
  filter: tf.TensorInfo,
  inputShape: number[],
): tf.TensorInfo {
  const { axes, images, channels, filters } = geometry;
  const [depth, height, width] = axes;
  const dx = backend.makeOutput(inputShape, "float32");
  const arrays = { kernel, inputs: [dy, filter], outputs: [dx], scratch: [bytesOf(filter)] };
  onArrays(backend, arrays, ({ turn, spread }, [from, weights, to, turned]) => {
    const taps = depth.window * height.window * width.window, bytes = 4 * channels * filters;
    turn(weights!, turned!, taps, channels, filters, bytes);
    const xs = stepsOf(axes, "size", channels), ds = stepsOf(axes, "out", filters);
    eachTap(geometry, (tap, [d, h, w]) => {
      for (let n = 0; n < images; n++) {
        for (let i = 0; i < d.count; i++) {
          const first = (d.first + i) * ds.depth + h.first * ds.row + w.first * ds.column;
          const at = (d.at + i * depth.stride) * xs.depth + h.at * xs.row + w.at * xs.column;
          spread(
            ...[from! + n * ds.image + first, turned! + tap * bytes, to! + n * xs.image + at],
            ...[h.count, w.count, filters, channels, ds.row, ds.column],
            ...[height.stride * xs.row, width.stride * xs.column],
          );
        }
      }
    });
  });
  return dx;
}

/**
 * Padding with which the turned filter makes the input's gradient from y̅, in the form of an explicit
 * `pad`; undefined for strides, or more padding than filter.
 */
export function turnedPadding({ axes }: Geometry): [number, number][] | undefined {
  const along = ({ size, out, window, stride, dilation, before }: Axis): [number, number] => {
    const reach = dilation * (window - 1);
    return stride === 1 ? [reach - before, size - out + before] : [-1, -1];
  };
  const pads: [number, number][] = [[0, 0], along(axes[1]), along(axes[2]), [0, 0]];
  return pads.flat().every((p) => p >= 0) ? pads : undefined;
}

/** The filter with its taps in reverse order, and with channels and filters exchanged. */
export function turnedFilter(
  backend: WasmBackend,
  kernel: string,
  filter: tf.TensorInfo,
  channels: number,
  filters: number,
): tf.TensorInfo {
  const [height, width] = filter.shape as [number, number, number, number];
  const taps = height * width, bytes = 4 * channels * filters;
  const turned = backend.makeOutput([height, width, filters, channels], "float32");
  onArrays(backend, { kernel, inputs: [filter], outputs: [turned] }, ({ turn }, [from, to]) => {
    if (taps > 0) turn(from!, to! + (taps - 1) * bytes, taps, channels, filters, -bytes);
  });
  return turned;
}

/** Convolves with a filter that is needed no longer, by a kernel of the backend. */
export function convolveOnce(
  backend: WasmBackend,
  kernel: string,
  x: tf.TensorInfo,
  filter: tf.TensorInfo,
  attrs: Record<string, unknown>,
): tf.TensorInfo {
  try {
    // XNNPACK keeps the packed filter until its tensor is disposed.
    return runKernel(backend, kernel, { x, filter }, { strides: [1, 1], ...attrs });
  } finally {
    backend.disposeData(filter.dataId);
  }
}
