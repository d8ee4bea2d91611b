/** @module */
import type { Builder } from "../graph/builder.ts";
import type { Rewrite } from "../graph/rule.ts";
import { valueType } from "../graph/load_graph_with.ts";
import { DataType, isFloating } from "../model/data_type.ts";
import { tensorDims, tensorIntegers } from "../model/tensor.ts";
import type { ModelProto, NodeProto } from "../proto/onnx_pb.ts";
import type { NodeContext } from "../graph/rule.ts";

/** Integers of the target's own type in the place of int64. */
export interface Narrowing {
  /** First part of a target's rewriting. */
  readonly rewrite: Rewrite;
  /** Whether a value holds integers in the place of int64. */
  has(name: string): boolean;
  /** Whether a value is made of shapes and small constants alone, which stay on the CPU. */
  isShape(name: string): boolean;
  /** An integer value in the target's own type. */
  narrow(b: Builder, name: string): string;
  /** Says that a value holds integers in the place of int64. */
  mark(name: string): void;
  /** A node as it is, not rewritten. */
  asIs<T>(body: () => T): T;
}

/** Inputs that hold shapes and counts, by operator. */
const SHAPE_INPUTS: Readonly<Record<string, readonly number[]>> = {
  Reshape: [1],
  Expand: [1],
  Tile: [1],
  Slice: [1, 2, 3, 4],
  Pad: [1, 3],
  Squeeze: [1],
  Unsqueeze: [1],
  Split: [1],
  TopK: [1],
  CumSum: [1],
  Resize: [3],
  ConstantOfShape: [0],
  Trilu: [1],
};

/** Whether an input holds shapes, axes or counts rather than data. */
export const isShapeInput = (opType: string, index: number): boolean =>
  SHAPE_INPUTS[opType]?.includes(index) ?? (opType.startsWith("Reduce") && index === 1);

/** Inputs that take int64 or int32 indices. */
const INDEX_INPUTS: Readonly<Record<string, number>> = {
  Gather: 1,
  GatherElements: 1,
  ScatterElements: 1,
  GatherND: 1,
  ScatterND: 1,
};

/** Whether an input holds indices, which WebGPU takes in int64 too. */
export const isIndexInput = (opType: string, index: number): boolean =>
  INDEX_INPUTS[opType] === index;

/** Inputs of one type that several have in common; all where a list is missing. */
const ALIKE: Readonly<Record<string, readonly number[] | "all">> = {
  Where: [1, 2],
  ScatterElements: [0, 2],
  ScatterND: [0, 2],
  Pad: [0, 2],
  Clip: "all",
  Concat: "all",
  Equal: "all",
  Less: "all",
  Greater: "all",
  LessOrEqual: "all",
  GreaterOrEqual: "all",
  Add: "all",
  Sub: "all",
  Mul: "all",
  Div: "all",
  Mod: "all",
  Max: "all",
  Min: "all",
  Sum: "all",
  Range: "all",
};

/**
 * Inputs of a model that reach more than index inputs (or any but shapes, where indices are no
 * exception): integers among them are fed in another type.
 */
export function narrowedInputs(model: ModelProto, indicesToo = false): Set<string> {
  const graph = model.graph!;
  const found = new Set<string>();
  const shapes = new Set<string>();
  for (const node of graph.node) {
    node.input.forEach((name, k) => {
      if (isShapeInput(node.opType, k)) shapes.add(name);
      else if (indicesToo || !isIndexInput(node.opType, k)) found.add(name);
    });
  }
  const defaults = new Set(graph.initializer.map((t) => t.name));
  const integer = graph.input.filter(({ name, type }) => {
    const found = valueType(type, name)?.dataType;
    return found === DataType.INT64 || (indicesToo && found === DataType.INT32);
  });
  return new Set(
    integer.map((i) => i.name).filter((name) =>
      found.has(name) && !shapes.has(name) && !defaults.has(name)
    ),
  );
}

/**
 * Integer data (labels, token ids, what is computed of them) in a type that the target computes
 * with; shapes stay int64. `inputs` are graph inputs that are declared in that type already.
 */
export function narrowing(to: DataType, inputs: ReadonlySet<string>): Narrowing {
  const narrowed = new Set(inputs);
  const shapes = new Set<string>();
  let raw = false;

  const isInteger = (type: DataType | undefined) =>
    type === DataType.INT64 || (type === DataType.INT32 && to !== DataType.INT32);

  const self: Narrowing = {
    has: (name) => narrowed.has(name),
    mark: (name) => narrowed.add(name),
    isShape: (name) => shapes.has(name),
    asIs(body) {
      const before = raw;
      raw = true;
      try {
        return body();
      } finally {
        raw = before;
      }
    },
    narrow(b, name) {
      if (b.type(name)?.dataType === to) return name;
      const tensor = b.initializers.get(name);
      const dims = tensor === undefined ? b.type(name)?.dims : tensorDims(tensor);
      const values = tensor === undefined ? b.known(name) : tensorIntegers(tensor);
      if (
        values?.every((v) => typeof v === "number") && dims?.every((d) => typeof d === "number")
      ) {
        return b.constant(values as number[], to, dims as number[]);
      }
      const result = self.asIs(() => b.op("Cast", [name], { to }));
      narrowed.add(result);
      return result;
    },
    rewrite(n) {
      const { b, node } = n;
      if (raw || node.domain !== "") return false;
      if (node.opType === "Shape" || node.opType === "Size") {
        node.output.forEach((name) => shapes.add(name));
        return false;
      }
      if (ofShapes(b, node)) {
        const floats = node.opType === "Cast" && isFloating(n.int("to", 0));
        if (!floats) node.output.forEach((name) => shapes.add(name));
        if (node.opType !== "Range") return false;
      }
      return cast(n) || range(n) || shapeInputs(n) || alike(n);
    },
  };

  /** Whether a node reads shapes and constants of shape arithmetic alone. */
  const ofShapes = (b: Builder, node: NodeProto) => {
    let some = false;
    for (const name of node.input) {
      if (name === "") continue;
      if (shapes.has(name)) some = true;
      else if (b.initializers.has(name)) {
        if (isFloating(b.type(name)!.dataType)) return false;
      } else if (b.known(name) === undefined) return false;
    }
    return some;
  };

  const cast = (n: NodeContext) => {
    if (n.node.opType !== "Cast") return false;
    const { b, node } = n;
    const x = n.input(0)!;
    const type = n.int("to", 0);
    const from = n.type(0)?.dataType;
    if (narrowed.has(x)) {
      if (!isInteger(type) && type !== to) return false;
      narrowed.add(node.output[0]!);
      b.alias(x, node.output[0]!);
      // As a float it is no integer any more, though it is held in the same type.
      if (isFloating(type)) narrowed.delete(node.output[0]!);
      return true;
    }
    if (!isInteger(type) || from === undefined) return false;
    if (!isFloating(from) && from !== DataType.BOOL && from !== DataType.INT32) return false;
    narrowed.add(node.output[0]!);
    b.node("Cast", [x], { to: DataType.INT32 === to ? to : from === to ? type : to }, {
      outputs: node.output,
    });
    return true;
  };

  const range = ({ b, node, type }: NodeContext) => {
    if (node.opType !== "Range" || type(0)?.dataType !== DataType.INT64) return false;
    const [from, end, step] = node.input.map((name) => b.known(name)?.[0]);
    if (typeof from === "number" && typeof end === "number" && typeof step === "number") {
      return false;
    }
    narrowed.add(node.output[0]!);
    b.node("Range", node.input.map((name) => self.narrow(b, name)), {}, { outputs: node.output });
    return true;
  };

  /** Shapes that are computed from data go back to int64. */
  const shapeInputs = ({ b, node }: NodeContext) => {
    const bad = node.input.map((name, k) =>
      isShapeInput(node.opType, k) && narrowed.has(name) && b.type(name)?.dataType === to
    );
    const wide = to === DataType.INT32 &&
      (node.opType === "GatherND" || node.opType === "ScatterND") &&
      narrowed.has(node.input[1]!);
    if (!bad.includes(true) && !wide) return false;
    const input = node.input.map((name, k) =>
      bad[k] || (wide && k === 1)
        ? self.asIs(() => b.op("Cast", [name], { to: DataType.INT64 }))
        : name
    );
    again(b, node, input);
    return true;
  };

  const alike = ({ b, node }: NodeContext) => {
    const list = ALIKE[node.opType];
    const at = list === "all" ? node.input.map((_, k) => k) : list ?? [0];
    const some = at.some((k) => narrowed.has(node.input[k] ?? ""));
    if (!some) return false;
    const output = node.output[0]!;
    if (!/^(Equal|Less|Greater|Cast|Arg)/.test(node.opType)) narrowed.add(output);
    const input = node.input.map((name, k) =>
      at.includes(k) && name !== "" && isInteger(b.type(name)?.dataType)
        ? self.narrow(b, name)
        : name
    );
    if (input.every((name, k) => name === node.input[k])) return false;
    again(b, node, input);
    return true;
  };

  return self;
}

/** The same node over other inputs. */
export function again(b: Builder, node: NodeProto, input: readonly string[]): void {
  b.append({ ...node, input: [...input] });
}
