/** @module */
import type { Builder } from "../graph/builder.ts";
import { broadcastDims, type Dim, dimOf, sumTo } from "./shared/mod.ts";
import { vectorOf } from "./shared/positions.ts";
import type { GradientContext, NodeContext, OperatorRule } from "../graph/rule.ts";

/** An equation with one label a dimension, the ellipsis spelt out. */
interface Equation {
  readonly inputs: readonly (readonly string[])[];
  readonly output: readonly string[];
}

/** Labels of the dimensions of an ellipsis, counted from the last; what ONNX writes are letters. */
const dotted = (count: number) => Array.from({ length: count }, (_, k) => `.${count - k}`);

const LETTERS = [..."abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"];

/** Reads the equation; undefined where an ellipsis stands for an unknown number of dimensions. */
function equationOf(n: NodeContext): Equation | undefined {
  const text = n.string("equation", "").replaceAll(" ", "");
  const [left, right, ...rest] = text.split("->");
  const terms = left!.split(",");
  if (rest.length > 0 || terms.length !== n.node.input.length) {
    n.refuse("read", `equation "${text}" does not fit ${n.node.input.length} inputs`);
  }
  for (const term of right === undefined ? terms : [...terms, right]) {
    if (!/^[a-zA-Z]*(\.\.\.)?[a-zA-Z]*$/.test(term)) n.refuse("read", `equation "${text}"`);
  }
  const ranks = terms.map((term, k) => {
    const letters = term.replace("...", "").length;
    const rank = n.dims(k)?.length;
    if (!term.includes("...")) {
      if (rank !== undefined && rank !== letters) {
        n.refuse("read", `"${term}" of "${text}" does not fit the shape [${n.dims(k)}]`);
      }
      return 0;
    }
    if (rank !== undefined && rank < letters) {
      n.refuse("read", `"${term}" of "${text}" does not fit the shape [${n.dims(k)}]`);
    }
    return rank === undefined ? undefined : rank - letters;
  });
  if (ranks.some((r) => r === undefined)) return undefined;
  const widest = Math.max(0, ...ranks as number[]);
  const labels = (term: string, count: number) => {
    const at = term.indexOf("...");
    if (at < 0) return [...term];
    return [...term.slice(0, at), ...dotted(count), ...term.slice(at + 3)];
  };
  const inputs = terms.map((term, k) => labels(term, ranks[k]!));
  if (right !== undefined) {
    const output = labels(right, widest);
    if (new Set(output).size < output.length) {
      n.refuse("read", `equation "${text}" repeats a result`);
    }
    return { inputs, output };
  }
  // Without "->": the ellipsis, then every label that occurs once, in alphabetical order.
  const all = inputs.flat();
  const once = all.filter((l) => !l.startsWith(".") && all.indexOf(l) === all.lastIndexOf(l));
  return { inputs, output: [...dotted(widest), ...once.sort()] };
}

/** The size of every label; one that broadcasts has the size that is not 1. */
function sizesOf(n: NodeContext, { inputs }: Equation): Map<string, Dim> {
  const met = new Map<string, Dim[]>();
  inputs.forEach((labels, k) =>
    labels.forEach((label, axis) => {
      met.set(label, [...met.get(label) ?? [], n.dims(k)![axis]!]);
    })
  );
  return new Map(
    [...met].map(([label, found]) => {
      const numbers = new Set(found.filter((d) => typeof d === "number" && d !== 1));
      if (numbers.size > 1) {
        n.refuse("read", `"${label}" has the sizes ${[...numbers].join(" and ")}`);
      }
      return [label, broadcastDims(found.map((d) => [d]))[0] ?? n.b.freshDim()];
    }),
  );
}

/** Einsum over labels of any kind, written with letters. */
function einsum(
  b: Builder,
  terms: readonly (readonly [string, readonly string[]])[],
  output: readonly string[],
): string {
  const names = new Map<string, string>();
  const letter = (label: string) => {
    if (!names.has(label)) {
      const next = LETTERS[names.size];
      if (next === undefined) throw new RangeError("more than 52 labels");
      names.set(label, next);
    }
    return names.get(label)!;
  };
  const write = (labels: readonly string[]) => labels.map(letter).join("");
  const left = terms.map(([, labels]) => write(labels)).join(",");
  return b.op("Einsum", terms.map(([name]) => name), { equation: `${left}->${write(output)}` });
}

/**
 * `y[output] = Σ_{labels not in output} Π_k x_k[labels of k]`:
 * `∂x_k[labels of k] = Σ_{labels not of k} ∂y[output] Π_{j≠k} x_j[labels of j]`, with ones for labels
 * that k alone has, and a unit matrix for a label that k repeats (a diagonal).
 */
const einsumRule: OperatorRule = {
  opType: "Einsum",
  since: 12,
  infer: (n) => {
    const type = n.type(0);
    if (type === undefined) return [];
    const equation = equationOf(n);
    if (equation === undefined || n.node.input.some((_, k) => n.dims(k) === undefined)) {
      return [{ dataType: type.dataType }];
    }
    const sizes = sizesOf(n, equation);
    const dims = equation.output.map((label) =>
      sizes.get(label) ?? n.refuse("read", `"${label}" is in no input`)
    );
    return [{ dataType: type.dataType, dims }];
  },
  gradient: (n) => {
    n.node.input.forEach((name) => n.b.dims(name));
    const equation = equationOf(n)!;
    return n.node.input.map((_, k) => n.wants(k) ? inputGradient(n, equation, k) : undefined);
  },
};

function inputGradient(n: GradientContext, { inputs, output }: Equation, k: number): string {
  const { b } = n;
  const x = n.input(k)!;
  const terms: [string, readonly string[]][] = [[n.cotangent(), output]];
  inputs.forEach((labels, j) => {
    if (j !== k) terms.push([n.input(j)!, labels]);
  });
  const target = inputs[k]!.map((label, axis, all) => {
    if (all.indexOf(label) === axis) return label;
    // The second of two equal labels gets one of its own, tied to the first by a unit matrix.
    const own = `${label}'${axis}`;
    terms.push([unitMatrix(b, x, axis), [label, own]]);
    return own;
  });
  // A label that no other term has in full size is expanded by ones.
  const lone = target.flatMap((label, axis) => {
    const size = b.dims(x)[axis]!;
    const full = output.includes(label) || label !== inputs[k]![axis] ||
      terms.some(([name, labels]) => {
        const at = labels.indexOf(label);
        return at >= 0 && (size === 1 || b.dims(name)[at] === size);
      });
    return full ? [] : [axis];
  });
  if (lone.length > 0) {
    const sizes = vectorOf(b, lone.map((axis) => dimOf(b, x, axis)));
    const ones = b.op("Expand", [b.scalar(1, x), sizes]);
    b.declare(ones, { dataType: b.dataType(x), dims: lone.map((axis) => b.dims(x)[axis]!) });
    terms.push([ones, lone.map((axis) => target[axis]!)]);
  }
  // Where another input is wider, x was broadcast.
  return sumTo(b, einsum(b, terms, target), x);
}

/** The unit matrix over an axis of `x`. */
function unitMatrix(b: Builder, x: string, axis: number): string {
  const size = dimOf(b, x, axis);
  const zeros = b.op("Expand", [b.scalar(0, x), vectorOf(b, [size, size])]);
  const dims = [b.dims(x)[axis]!, b.dims(x)[axis]!];
  b.declare(zeros, { dataType: b.dataType(x), dims });
  const unit = b.op("EyeLike", [zeros]);
  b.declare(unit, { dataType: b.dataType(x), dims });
  return unit;
}

/** Products over named dimensions. */
export const einsums: readonly OperatorRule[] = [einsumRule];
