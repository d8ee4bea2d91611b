/** @module */
import { type Dim, isStatic } from "../../graph/dims.ts";
import type { NodeContext } from "../../graph/rule.ts";

/**
 * How windows of `kernel` points, `dilations` apart, lie on an axis: the one that makes result p
 * reads the points `p·stride + k·dilation − begin`.
 */
export interface Windows {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** Padding before and behind each axis; undefined where it depends on an unknown size. */
  readonly begins?: readonly number[] | undefined;
  readonly ends?: readonly number[] | undefined;
}

/** Windows whose padding is known. */
export interface KnownWindows extends Windows {
  readonly begins: readonly number[];
  readonly ends: readonly number[];
}

/** Most entries of a table with one number for each point of an image. */
export const MOST_ENTRIES: number = 2 ** 20;

/** Points that one window spans, gaps included. */
export const span = ({ kernel, dilations }: Windows, axis: number): number =>
  (kernel[axis]! - 1) * dilations[axis]! + 1;

/** Number of points of a window. */
export const points = ({ kernel }: Windows): number => kernel.reduce((a, k) => a * k, 1);

/** Every point of a window, the last axis fastest. */
export function offsets({ kernel }: Windows): number[][] {
  let found: number[][] = [[]];
  for (const size of kernel) {
    found = found.flatMap((at) => Array.from({ length: size }, (_, k) => [...at, k]));
  }
  return found;
}

/** What a kernel's attribute may hold, and how many points a window: beyond are mistakes. */
const LARGEST = 2 ** 31 - 1;
const MOST_POINTS = 2 ** 20;

/** The windows of a convolution or pooling over axes of the given sizes. */
export function windowsOf(
  n: NodeContext,
  kernel: readonly number[],
  sizes: readonly Dim[],
): Windows {
  const axes = kernel.map((_, k) => k);
  const list = (name: string, absent: number, length: number) => {
    const given = n.ints(name) ?? Array.from({ length }, () => absent);
    if (given.length !== length) {
      n.refuse("read", `${name} has ${given.length} elements, expected ${length}`);
    }
    return given;
  };
  if (sizes.length !== kernel.length) {
    n.refuse("read", `the kernel has ${kernel.length} axes, the input has ${sizes.length}`);
  }
  const strides = list("strides", 1, kernel.length);
  const dilations = list("dilations", 1, kernel.length);
  const base: Windows = { kernel, strides, dilations };
  const fits = [...strides, ...dilations, ...kernel].every((v) => v >= 1 && v <= LARGEST);
  if (!fits || points(base) > MOST_POINTS) {
    n.refuse("read", `kernel [${kernel}], strides [${strides}], dilations [${dilations}]`);
  }
  const mode = n.string("auto_pad", "NOTSET");
  if (mode === "VALID") {
    const none = axes.map(() => 0);
    return { ...base, begins: none, ends: none };
  }
  if (mode !== "SAME_UPPER" && mode !== "SAME_LOWER") {
    const pads = list("pads", 0, 2 * kernel.length);
    if (pads.some((p) => p < 0 || p > LARGEST)) n.refuse("read", `pads [${pads}]`);
    return { ...base, begins: pads.slice(0, kernel.length), ends: pads.slice(kernel.length) };
  }
  const totals = axes.map((k) => {
    const [size, stride] = [sizes[k]!, strides[k]!];
    if (stride === 1) return span(base, k) - 1;
    if (typeof size === "string") return undefined;
    return Math.max(0, (Math.ceil(size / stride) - 1) * stride + span(base, k) - size);
  });
  if (totals.some((t) => t === undefined)) return base;
  return { ...base, ...split(totals as number[], mode === "SAME_UPPER") };
}

/** Shares padding between both ends of each axis; the odd one goes behind, or before. */
export function split(
  totals: readonly number[],
  behind: boolean,
): { begins: number[]; ends: number[] } {
  const less = totals.map((t) => Math.floor(t / 2));
  const more = totals.map((t, k) => t - less[k]!);
  return behind ? { begins: less, ends: more } : { begins: more, ends: less };
}

/** Sizes of the result of a convolution or pooling. */
export function outputSizes(
  n: NodeContext,
  windows: Windows,
  sizes: readonly Dim[],
  ceil = false,
): Dim[] {
  const same = n.string("auto_pad", "NOTSET").startsWith("SAME");
  return sizes.map((size, k) => {
    const stride = windows.strides[k]!;
    if (windows.begins === undefined || windows.ends === undefined) return n.b.freshDim();
    const begin = windows.begins[k]!;
    const padding = begin + windows.ends[k]!;
    if (typeof size === "string") {
      return stride === 1 && padding === span(windows, k) - 1 ? size : n.b.freshDim();
    }
    if (same) return Math.ceil(size / stride);
    const room = size + padding - span(windows, k);
    if (room < 0) {
      n.refuse(
        "read",
        `a window spans ${span(windows, k)} points of an axis of ${size + padding} (with padding)`,
      );
    }
    if (!ceil) return Math.floor(room / stride) + 1;
    const count = Math.ceil(room / stride) + 1;
    // A window that would start in the padding behind the input is left out.
    return (count - 1) * stride >= size + begin ? count - 1 : count;
  });
}

/** Windows with known padding, or a refusal to differentiate. */
export function requirePadding(n: NodeContext, windows: Windows): KnownWindows {
  const { begins, ends } = windows;
  if (begins === undefined || ends === undefined) {
    return n.refuse(
      "differentiate",
      `auto_pad ${n.string("auto_pad", "")} with a stride needs sizes that are known`,
    );
  }
  return { ...windows, begins, ends };
}

/** The same windows with padding behind for those that stick out (ceil_mode), where sizes are known. */
export function coveringPadding(
  windows: KnownWindows,
  input: readonly Dim[],
  output: readonly Dim[],
): KnownWindows {
  if (!isStatic(input) || !isStatic(output)) return windows;
  const ends = windows.ends.map((end, k) =>
    Math.max(
      end,
      (output[k]! - 1) * windows.strides[k]! + span(windows, k) - windows.begins[k]! - input[k]!,
    )
  );
  return { ...windows, ends };
}
