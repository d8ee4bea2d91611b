/**
 * What is wrong with the elements of feeds that have the right type and shape.
 *
 * @module
 */
import type { ClassLabels } from "@precond/onnx";
import type { InputInfo } from "../../graphs/inputs.ts";
import type { Tensor } from "../../hosts/ort.ts";

/** The first label that is no class: kernels take it for another one, or fail without its name. */
export function wrongLabel(
  labels: ArrayLike<number | bigint>,
  { classes, ignoreIndex }: ClassLabels,
): { label: number; at: number } | undefined {
  for (let at = 0; at < labels.length; at++) {
    const label = Number(labels[at]!);
    if (!(label >= 0 && label < classes) && label !== ignoreIndex) return { label, at };
  }
  return undefined;
}

/** For a loss that is not finite: "; <input> holds NaN at element 3" if a feed is the cause. */
export function nonFinite(
  feeds: Readonly<Record<string, Tensor>>,
  inputs: readonly InputInfo[],
): string {
  for (const { name, labels } of inputs) {
    const { location, data } = feeds[name] ?? {};
    const none = labels?.ignoreIndex !== undefined && location === "cpu" &&
      (data as BigInt64Array).every((label) => Number(label) === labels.ignoreIndex);
    // Of no label there is no mean.
    if (none) return `; no label of "${name}" counts`;
  }
  for (const [name, tensor] of Object.entries(feeds)) {
    // On a GPU it stays unread.
    if (tensor.location !== "cpu" || !["float32", "float64"].includes(tensor.type)) continue;
    const data = tensor.data as Float32Array | Float64Array;
    const at = data.findIndex((value) => !Number.isFinite(value));
    if (at >= 0) return `; "${name}" holds ${data[at]} at element ${at}`;
  }
  return "";
}
