/** @module */
import type { Builder } from "../graph/builder.ts";
import { axisOf, type Dim, dimOf, isStatic, quotient, sumOf, zerosLike } from "./shared/mod.ts";
import { vectorOf } from "./shared/positions.ts";
import type { GradientContext, NodeContext, OperatorRule } from "../graph/rule.ts";

/** Values one after another along an axis: each gets its part of the gradient. */
const concat: OperatorRule = {
  opType: "Concat",
  since: 7,
  infer: (n) => {
    const type = n.type(0);
    if (type === undefined) return [];
    const shapes = n.node.input.map((_, k) => n.dims(k));
    const first = shapes.find((s) => s !== undefined);
    if (first === undefined) return [{ dataType: type.dataType }];
    const axis = axisOf(n, n.int("axis", 1), first.length);
    const dims = first.map((_, k): Dim => {
      if (k === axis) return totalOf(shapes.map((s) => s?.[k]), n.b);
      // All agree in the other axes: a number says more than a symbol.
      const met = shapes.map((s) => s?.[k]);
      return met.find((d) => typeof d === "number") ?? met.find((d) => d !== undefined)!;
    });
    for (const shape of shapes) {
      if (shape !== undefined && shape.length !== first.length) {
        n.refuse("join in", `shapes [${first}] and [${shape}] have different ranks`);
      }
      shape?.forEach((d, k) => {
        if (k !== axis && typeof d === "number" && d !== dims[k]) {
          n.refuse("join in", `sizes ${dims[k]} and ${d} of axis ${k} differ`);
        }
      });
    }
    return [{ dataType: type.dataType, dims }];
  },
  evaluate: (n) => {
    if (n.b.type(n.node.output[0]!)?.dims?.length !== 1) return undefined;
    const parts = n.node.input.map((name) => n.b.known(name));
    return parts.some((p) => p === undefined) ? undefined : parts.flatMap((p) => p!);
  },
  gradient: (n) => {
    const { b } = n;
    const dy = n.cotangent();
    const inputs = n.node.input;
    const axis = axisOf(n, n.int("axis", 1), b.dims(inputs[0]!).length);
    const wanted = inputs.map((_, k) => n.wants(k));
    const sizes: readonly Dim[] = inputs.map((name) => b.dims(name)[axis]!);
    if (wanted.filter(Boolean).length === 1 && isStatic(sizes)) {
      const k = wanted.indexOf(true);
      const start = sizes.slice(0, k).reduce((a, d) => a + d, 0);
      const part = b.op("Slice", [
        dy,
        b.ints([start]),
        b.ints([start + sizes[k]!]),
        b.ints([axis]),
      ]);
      return inputs.map((_, i) => i === k ? part : undefined);
    }
    const lengths = vectorOf(
      b,
      inputs.map((name, k) => typeof sizes[k] === "number" ? sizes[k] : dimOf(b, name, axis)),
    );
    return b.node("Split", [dy, lengths], { axis }, { outputs: inputs.length });
  },
};

function totalOf(dims: readonly (Dim | undefined)[], b: Builder): Dim {
  const add = (sum: Dim | undefined, d: Dim | undefined) =>
    sum === undefined || d === undefined ? undefined : sumOf(sum, d);
  const total = dims.reduce(add, 0);
  // Sums of sums would make names that double in length.
  return total === undefined || String(total).length > 100 ? b.freshDim() : total;
}

/** Consecutive parts along an axis: their gradients are joined, zeros where there is none. */
const split: OperatorRule = {
  opType: "Split",
  since: 7,
  upgrade: (n) => {
    if (n.opset >= 18) return false;
    const axis = n.int("axis", 0);
    const lengths = n.ints("split");
    const given = lengths === undefined ? n.input(1) : n.b.ints(lengths);
    // Before 18 equal parts were what no attribute means; since then their number has to be given.
    const attributes = given === undefined ? { axis, num_outputs: n.node.output.length } : { axis };
    n.b.node("Split", [n.input(0), given], attributes, { outputs: n.node.output });
    return true;
  },
  infer: (n) => {
    const type = n.type(0);
    if (type === undefined) return [];
    const { dataType, dims } = type;
    if (dims === undefined) return n.node.output.map(() => ({ dataType }));
    const axis = axisOf(n, n.int("axis", 0), dims.length);
    const lengths = partsOf(n, dims[axis]!);
    return lengths.map((length) => ({
      dataType,
      dims: dims.map((d, k) => k === axis ? length : d),
    }));
  },
  gradient: (n) => {
    const { b } = n;
    const axis = axisOf(n, n.int("axis", 0), b.dims(n.input(0)!).length);
    const alone = onlyOne(n, axis);
    if (alone !== undefined) return [alone];
    const parts = n.outputs.map((name, k) => {
      const dy = n.cotangents[k];
      if (dy !== undefined) return dy;
      if (name === "") n.refuse("differentiate", `its output ${k} is left out`);
      return zerosLike(b, name);
    });
    return [b.op("Concat", parts, { axis })];
  },
};

/** The gradient of a part of which alone the loss depends: it is padded. */
function onlyOne(n: GradientContext, axis: number): string | undefined {
  const used = n.cotangents.flatMap((c, k) => c === undefined ? [] : [k]);
  const lengths = partsOf(n, n.b.dims(n.input(0)!)[axis]!);
  if (used.length !== 1 || !isStatic(lengths)) return undefined;
  const [k] = used;
  const total = (list: readonly number[]) => list.reduce((a, d) => a + d, 0);
  const rank = n.b.dims(n.input(0)!).length;
  const pads = Array.from({ length: 2 * rank }, () => 0);
  pads[axis] = total(lengths.slice(0, k));
  pads[rank + axis] = total(lengths.slice(k! + 1));
  return n.b.op("Pad", [n.cotangents[k!], n.b.ints(pads)]);
}

/** Sizes of the parts of an axis. */
function partsOf(n: NodeContext, dim: Dim): readonly Dim[] {
  const count = n.node.output.length;
  const given = n.input(1);
  if (given !== undefined) {
    const lengths = n.b.known(given);
    if (lengths === undefined) return n.node.output.map(() => n.b.freshDim());
    if (lengths.length !== count || lengths.some((d) => typeof d === "number" && d < 0)) {
      n.refuse("split in", `lengths [${lengths}] for ${count} outputs`);
    }
    return lengths;
  }
  if (typeof dim === "number") {
    const each = Math.ceil(dim / count);
    return n.node.output.map((_, k) => Math.max(0, Math.min(each, dim - k * each)));
  }
  const each = quotient(dim, count);
  if (each !== undefined) return n.node.output.map(() => each);
  // All but the last are equal; whether that is too, only the run tells.
  const length = n.b.freshDim();
  return n.node.output.map((_, k) => k < count - 1 ? length : n.b.freshDim());
}

/** Joining and splitting. */
export const joins: readonly OperatorRule[] = [concat, split];
