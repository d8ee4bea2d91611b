/** @module */
import { DataType, isStatic } from "../../rules/shared/mod.ts";
import {
  convAttributes,
  isTurnable,
  turned,
  turnedWindows,
} from "../../rules/convolution/conv_emit.ts";
import { scattered } from "../../rules/convolution/conv_transpose.ts";
import type { NodeContext } from "../../graph/rule.ts";

/**
 * Fewest and most channels that are worth it: few leave products of matrices without enough columns,
 * and those of many keep all threads busy anyway.
 */
const CHANNELS = { least: 8, most: 128 };

/**
 * A ConvTranspose with strides of 1 as the convolution that it is, with the windows turned round: the
 * CPU provider adds up the results of a transposed convolution with one thread, and convolves with
 * all of them. With one thread the convolution is the slower one.
 */
export function turnedConvolution(n: NodeContext): boolean {
  const { b, node } = n;
  const [x, w] = [n.dims(0), n.dims(1)];
  if (x === undefined || !isStatic(w) || n.type(0)?.dataType !== DataType.FLOAT) return false;
  const channels = w[1]!;
  const worthwhile = channels >= CHANNELS.least && channels <= CHANNELS.most;
  if (!worthwhile || n.int("group", 1) !== 1) return false;
  const windows = scattered(n, x, w)?.windows;
  if (windows === undefined) return false;
  const { begins, ends } = windows;
  if (begins === undefined || ends === undefined) return false;
  const known = { ...windows, begins, ends };
  const more = n.ints("output_padding")?.some((p) => p !== 0) === true;
  if (more || n.ints("output_shape") !== undefined || !isTurnable(known)) return false;
  const exchanged = b.op("Transpose", [turned(b, n.input(1)!)], {
    perm: [1, 0, ...w.slice(2).map((_, k) => k + 2)],
  });
  const attributes = convAttributes(turnedWindows(known), 1);
  b.node("Conv", [n.input(0)!, exchanged, n.input(2)], attributes, { outputs: node.output });
  return true;
}
