/** @module */
import {
  axisOf,
  DataType,
  type Dim,
  dimOf,
  floatsAttribute,
  product,
  reduceSum,
} from "./shared/mod.ts";
import { floatsOf, repetition, resizeBack, type ResizedAxis } from "./shared/interpolation.ts";
import { vectorOf } from "./shared/positions.ts";
import type { GradientContext, NodeContext, OperatorRule } from "../graph/rule.ts";

/**
 * Interpolation along each axis, `y = (W₁ ⊗ W₂ ⊗ …) x`: the gradient is
 * `(W₁ᵀ ⊗ W₂ᵀ ⊗ …) ∂y`, one matrix product an axis, or a sum over blocks where elements are
 * merely repeated.
 */
const resize: OperatorRule = {
  opType: "Resize",
  since: 10,
  constants: [1, 2, 3],
  upgrade: (n) => n.opset < 11 && asymmetric(n, n.input(1)),
  infer: (n) => {
    const type = n.type(0);
    if (type === undefined) return [];
    const { dataType, dims } = type;
    if (dims === undefined) return [{ dataType }];
    const axes = listed(n, dims.length);
    const [scales, sizes] = [
      scalesOf(n),
      n.input(3) === undefined ? undefined : n.b.known(n.input(3)!),
    ];
    const kept = n.string("keep_aspect_ratio_policy", "stretch") === "stretch";
    const result = [...dims];
    axes.forEach((axis, k) => {
      const size = dims[axis]!;
      const [scale, to] = [scales?.[k], sizes?.[k]];
      if (to !== undefined && kept) result[axis] = to;
      else if (scale !== undefined) result[axis] = scaled(size, scale) ?? n.b.freshDim();
      else result[axis] = n.b.freshDim();
    });
    return [{ dataType, dims: result }];
  },
  gradient: (n) => {
    if (n.wants(1) && n.string("coordinate_transformation_mode", "") === "tf_crop_and_resize") {
      n.refuse("differentiate", "the gradient by its roi has no rule");
    }
    if (n.wants(2)) n.refuse("differentiate", "the gradient by its scales has no rule");
    if (!n.wants(0)) return [];
    const policy = n.string("keep_aspect_ratio_policy", "stretch");
    if (policy !== "stretch") {
      n.refuse("differentiate", `keep_aspect_ratio_policy "${policy}" has no rule, "stretch" has`);
    }
    const axes = resizedAxes(n);
    const scales = scalesOf(n);
    const times = axes.map(({ axis, index }) => repetition(n, axis, scales?.[index]));
    if (times.every((t) => t !== undefined)) return [sumBlocks(n, axes, times)];
    // The last axis first: images are widest in memory there.
    return [axes.reduceRight((dy, axis) => resizeBack(n, dy, axis), n.cotangent())];
  },
};

/** The axes that `scales` or `sizes` list. */
function listed(n: NodeContext, rank: number): readonly number[] {
  const axes = n.ints("axes");
  if (axes === undefined || axes.length === 0) return Array.from({ length: rank }, (_, k) => k);
  return axes.map((a) => axisOf(n, a, rank));
}

/** The scales, where they are known and used. */
function scalesOf(n: NodeContext): readonly number[] | undefined {
  const scales = n.input(3) === undefined ? floatsOf(n.b, n.input(2)) : undefined;
  if (scales?.some((s) => !(s > 0 && s < 2 ** 31))) n.refuse("read", `the scales are [${scales}]`);
  return scales;
}

/** The runtime computes sizes in single precision. */
function scaled(size: Dim, scale: number): Dim | undefined {
  if (scale === 1) return size;
  if (typeof size === "number") return Math.floor(Math.fround(size * scale));
  return Number.isInteger(scale) ? product([size, scale]) : undefined;
}

/** The axes along which something may change. */
function resizedAxes(n: GradientContext): ResizedAxis[] {
  const { b } = n;
  const [from, to] = [b.dims(n.input(0)!), b.dims(n.outputs[0]!)];
  const axes = listed(n, from.length);
  const scales = scalesOf(n);
  const crops = n.string("coordinate_transformation_mode", "half_pixel") === "tf_crop_and_resize";
  const region = crops ? floatsOf(b, n.input(1)) : undefined;
  return axes.flatMap((axis, index) => {
    const count = axes.length;
    const whole = !crops || (region?.[index] === 0 && region[count + index] === 1);
    // A size that stays the same may hide a scale near 1.
    const same = n.input(3) === undefined ? scales?.[index] === 1 : from[axis] === to[axis];
    return whole && same ? [] : [{ axis, index, count }];
  });
}

/** Sums over the copies of each element: `[…, d s, …]` as `[…, d, s, …]` without its s axes. */
function sumBlocks(
  n: GradientContext,
  axes: readonly ResizedAxis[],
  times: readonly (number | undefined)[],
): string {
  const { b } = n;
  const x = n.input(0)!;
  const sizes: (number | string)[] = [];
  const copies: number[] = [];
  b.dims(x).forEach((d, k) => {
    sizes.push(typeof d === "number" ? d : dimOf(b, x, k));
    const at = axes.findIndex(({ axis }) => axis === k);
    if (at >= 0 && times[at] !== 1) copies.push(sizes.push(times[at]!) - 1);
  });
  if (copies.length === 0) return n.cotangent();
  const apart = b.op("Reshape", [n.cotangent(), vectorOf(b, sizes)]);
  const dx = reduceSum(b, apart, copies, false);
  b.declare(dx, b.type(x)!);
  return dx;
}

/**
 * Resize of opset 10 and Upsample sample at `i / scale`; nearest takes the element before, or the
 * one after where the scale shrinks.
 */
function asymmetric(n: NodeContext, scales: string | undefined): boolean {
  const { b } = n;
  const mode = n.string("mode", "nearest");
  const known = floatsOf(b, scales);
  const shrinks = known?.some((s) => s < 1) ?? false;
  if (mode === "nearest" && shrinks && known!.some((s) => s > 1)) {
    n.refuse("read", `scales [${known}] enlarge and shrink at once, in mode "nearest" of opset 10`);
  }
  if (mode === "nearest" && known === undefined && n.node.opType === "Resize") {
    n.refuse("read", 'scales are computed in the graph, in mode "nearest" of opset 10');
  }
  b.node("Resize", [n.input(0), undefined, scales], {
    mode,
    coordinate_transformation_mode: "asymmetric",
    nearest_mode: mode === "nearest" ? shrinks ? "ceil" : "floor" : undefined,
  }, { outputs: n.node.output });
  return true;
}

/** The older name of Resize, for scales of at least 1: an attribute in opset 7, an input in 9. */
const upsample: OperatorRule = {
  opType: "Upsample",
  since: 7,
  upgrade: (n) => {
    const scales = floatsAttribute(n.node, "scales", undefined);
    return asymmetric(n, scales === undefined ? n.input(1) : n.b.constant(scales, DataType.FLOAT));
  },
};

/** Interpolation. */
export const resizes: readonly OperatorRule[] = [resize, upsample];
