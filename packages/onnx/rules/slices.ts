/** @module */
import type { Dim } from "../graph/dims.ts";
import { axisOf, dimOf, isNumbers, numbersOf, zerosLike } from "./shared/mod.ts";
import { positionsOf, scatterToPositions, vectorOf } from "./shared/positions.ts";
import type { GradientContext, NodeContext, OperatorRule } from "../graph/rule.ts";

/** One axis of a slice, as the node gives it (negative numbers count from the end). */
interface Cut {
  readonly axis: number;
  readonly start: Dim;
  readonly end: Dim | undefined;
  readonly step: number;
}

/** Ends beyond this mean "to the end": exporters write the largest int32 or int64. */
const FAR = 2 ** 31 - 1;

/** Elements `start, start + step, …` before `end` of chosen axes: the rest has gradient zero. */
const slice: OperatorRule = {
  opType: "Slice",
  since: 7,
  upgrade: (n) => {
    if (n.opset >= 10) return false;
    const { b } = n;
    const [starts, ends, axes] = [n.ints("starts") ?? [], n.ints("ends") ?? [], n.ints("axes")];
    const chosen = axes === undefined ? undefined : b.ints(axes);
    b.node("Slice", [n.input(0), b.ints(starts), b.ints(ends), chosen], {}, {
      outputs: n.node.output,
    });
    return true;
  },
  infer: (n) => {
    const type = n.type(0);
    if (type === undefined) return [];
    const { dataType, dims } = type;
    if (dims === undefined) return [{ dataType }];
    const cuts = cutsOf(n, dims);
    if (cuts === undefined) {
      const axes = axesOf(n, dims.length);
      const cut = (k: number) => axes === undefined || axes.includes(k);
      return [{ dataType, dims: dims.map((d, k) => cut(k) ? n.b.freshDim() : d) }];
    }
    const result = [...dims];
    for (const cut of cuts) result[cut.axis] = lengthOf(cut, dims[cut.axis]!) ?? n.b.freshDim();
    return [{ dataType, dims: result }];
  },
  evaluate: (n) => {
    const values = n.b.known(n.input(0)!);
    const dims = n.dims(0);
    if (values === undefined || dims?.length !== 1) return undefined;
    const [cut] = cutsOf(n, [values.length]) ?? [];
    if (cut === undefined) return undefined;
    const start = startOf(cut, values.length);
    const length = lengthOf(cut, values.length);
    if (start === undefined || typeof length !== "number") return undefined;
    return Array.from({ length }, (_, k) => values[start + k * cut.step]!);
  },
  gradient: (n) => [byPadding(n) ?? byPosition(n)],
};

/** The axes that are cut, where they are known. */
function axesOf(n: NodeContext, rank: number): readonly number[] | undefined {
  if (n.input(3) !== undefined) return numbersOf(n, 3)?.map((a) => axisOf(n, a, rank));
  const count = n.b.type(n.input(1)!)?.dims?.[0];
  if (typeof count !== "number") return undefined;
  if (count > rank) n.refuse("read", `${count} starts for rank ${rank}`);
  return Array.from({ length: count }, (_, k) => k);
}

/** What is known of a slice: undefined unless axes, steps and starts are. */
function cutsOf(n: NodeContext, dims: readonly Dim[]): readonly Cut[] | undefined {
  const starts = n.b.known(n.input(1)!);
  const ends = n.b.known(n.input(2)!);
  const axes = axesOf(n, dims.length);
  if (axes === undefined || starts === undefined) return undefined;
  const steps = n.input(4) === undefined ? axes.map(() => 1) : n.b.known(n.input(4)!);
  if (!isNumbers(steps)) return undefined;
  if (steps.includes(0)) n.refuse("read", "a step is 0");
  return axes.map((axis, k) => ({ axis, start: starts[k]!, end: ends?.[k], step: steps[k]! }));
}

/** The first index of a cut. */
function startOf({ start, step }: Cut, size: number): number | undefined {
  if (typeof start !== "number") return undefined;
  const at = start < 0 ? start + size : start;
  return step > 0 ? Math.min(Math.max(at, 0), size) : Math.min(Math.max(at, 0), size - 1);
}

/** How many elements a cut takes. */
function lengthOf(cut: Cut, size: Dim): Dim | undefined {
  const { start, end, step } = cut;
  if (typeof size === "number") {
    if (size === 0) return 0;
    const first = startOf(cut, size);
    if (first === undefined || typeof end !== "number") return undefined;
    const at = end < 0 ? end + size : end;
    const last = step > 0 ? Math.min(Math.max(at, 0), size) : Math.min(Math.max(at, -1), size - 1);
    return Math.max(0, Math.ceil((last - first) / step));
  }
  const whole = step === 1 && start === 0 &&
    (end === size || (typeof end === "number" && end >= FAR));
  const reversed = step === -1 && typeof start === "number" && typeof end === "number" &&
    (start === -1 || start >= FAR) && end <= -FAR;
  return whole || reversed ? size : undefined;
}

/** The gradient with zeros around it: for known starts, and steps that are 1 or of known sizes. */
function byPadding(n: GradientContext): string | undefined {
  const { b } = n;
  const x = n.input(0)!;
  const dims = b.dims(x);
  const cuts = cutsOf(n, dims);
  if (cuts === undefined || cuts.some(({ start }) => typeof start !== "number")) return undefined;
  let dy = n.cotangent();
  const before: (number | string)[] = dims.map(() => 0);
  const after: (number | string)[] = dims.map(() => 0);
  for (const cut of cuts) {
    const { axis, start, step } = cut;
    const size = dims[axis]!;
    const length = lengthOf(cut, size);
    if (length === 0) return zerosLike(b, x);
    if (typeof size === "number" && typeof length === "number") {
      const first = startOf(cut, size)!;
      const low = Math.min(first, first + (length - 1) * step);
      // One element has no step, however long that is.
      const stride = length === 1 ? 1 : Math.abs(step);
      if (step < 0 && length > 1) dy = reversed(n, dy, axis);
      dy = spread(n, dy, { axis, length, stride, room: size - low });
      before[axis] = low;
      after[axis] = Math.max(0, size - low - length * stride);
    } else if (step === 1) {
      const total = dimOf(b, x, axis);
      const first = typeof size === "number" ? startOf(cut, size)! : start as number;
      if (first > 0 && typeof size !== "number") {
        before[axis] = b.op("Min", [b.ints([first]), total]);
      } else if (first < 0) {
        before[axis] = b.op("Max", [b.op("Add", [total, b.ints([first])]), b.ints([0])]);
      } else {
        before[axis] = first;
      }
      const used = before[axis] === 0
        ? dimOf(b, dy, axis)
        : b.op("Add", [vectorOf(b, [before[axis]!]), dimOf(b, dy, axis)]);
      if (length !== size) after[axis] = b.op("Sub", [total, used]);
    } else {
      return undefined;
    }
  }
  const pads = [...before, ...after];
  if (pads.every((p) => p === 0)) return dy;
  const dx = b.op("Pad", [dy, vectorOf(b, pads)]);
  b.declare(dx, b.type(x)!);
  return dx;
}

function reversed(n: GradientContext, x: string, axis: number): string {
  const { b } = n;
  return b.op("Slice", [x, b.ints([-1]), b.ints([-FAR - 1]), b.ints([axis]), b.ints([-1])]);
}

/** Undoes a stride: zeros between the elements, cut to `room`. */
function spread(
  n: GradientContext,
  dy: string,
  { axis, length, stride, room }: { axis: number; length: number; stride: number; room: number },
): string {
  const { b } = n;
  if (stride === 1) return dy;
  const rank = b.dims(dy).length;
  const pads = Array.from({ length: 2 * (rank + 1) }, () => 0);
  pads[rank + 1 + axis + 1] = stride - 1;
  const apart = b.op("Pad", [b.op("Unsqueeze", [dy, b.ints([axis + 1])]), b.ints(pads)]);
  const dims = b.dims(dy).map((d, k) =>
    k === axis ? length * stride : typeof d === "number" ? d : dimOf(b, dy, k)
  );
  const joined = b.op("Reshape", [apart, vectorOf(b, dims)]);
  if (room >= length * stride) return joined;
  return b.op("Slice", [joined, b.ints([0]), b.ints([room]), b.ints([axis])]);
}

/** For any slice: the same slice of the positions tells where each element belongs. */
function byPosition(n: GradientContext): string {
  const { b } = n;
  const x = n.input(0)!;
  const taken = b.op("Slice", [positionsOf(b, x), ...n.node.input.slice(1)]);
  return scatterToPositions(b, n.cotangent(), taken, x);
}

/** Cuts. */
export const slices: readonly OperatorRule[] = [slice];
