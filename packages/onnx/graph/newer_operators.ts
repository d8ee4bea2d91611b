/**
 * What became of operators in the sets 2 to 7 of the standard: nodes of older sets in the form of set 8.
 *
 * @module
 */
import {
  type AttributeValue,
  float,
  floatAttribute,
  intAttribute,
  intsAttribute,
  makeAttribute,
  nameOf,
  stringAttribute,
} from "../model/attributes.ts";
import { DataType } from "../model/data_type.ts";
import { OnnxError } from "../model/onnx_error.ts";
import type { NodeProto } from "../proto/onnx_pb.ts";

/** The graph around a node. */
export interface Surroundings {
  /** The rank of a value, where the file says it. */
  rank(name: string): number | undefined;
  /** Adds a node ahead; the name of its output. */
  add(
    opType: string,
    inputs: readonly string[],
    attributes?: Readonly<Record<string, AttributeValue>>,
  ): string;
  /** An int64 vector. */
  ints(values: readonly number[]): string;
}

/** A change of operators in a version of the operator set. */
interface Change {
  readonly operators: string;
  /** The first version that has the newer form. */
  readonly since: number;
  readonly how: (node: NodeProto, around: Surroundings) => NodeProto;
}

const without = (node: NodeProto, ...names: readonly string[]): NodeProto =>
  node.attribute.some((a) => names.includes(a.name))
    ? { ...node, attribute: node.attribute.filter((a) => !names.includes(a.name)) }
    : node;

function withAttribute(node: NodeProto, name: string, value: AttributeValue): NodeProto {
  return { ...node, attribute: [...without(node, name).attribute, makeAttribute(name, value)] };
}

/** A node with an attribute where the older set had another default. */
const withDefault = (node: NodeProto, name: string, value: AttributeValue): NodeProto =>
  node.attribute.some((a) => a.name === name) ? node : withAttribute(node, name, value);

function refuse(node: NodeProto, why: string): never {
  throw new OnnxError(`Cannot read ${node.opType} "${nameOf(node)}": ${why}`, {
    node: nameOf(node),
  });
}

/**
 * `y` with ones behind its shape, so that its first axis lies at `axis` of `x` in the broadcasting of
 * NumPy, which begins at the last axis.
 */
function aligned(around: Surroundings, x: string, y: string, axis: number): string {
  const [rank, own] = [around.rank(x), around.rank(y)];
  if (own !== undefined && (rank !== undefined || axis < 0)) {
    const after = (axis < 0 ? -axis : rank! - axis) - own;
    const axes = Array.from({ length: Math.max(0, after) }, (_, k) => own + k);
    return axes.length === 0 ? y : around.add("Unsqueeze", [y], { axes });
  }
  // Known when the graph is read: the file need not say which shape a value within it has.
  const rankOf = (value: string) => around.add("Shape", [around.add("Shape", [value])]);
  const here = axis < 0
    ? around.ints([-axis])
    : around.add("Sub", [rankOf(x), around.ints([axis])]);
  const after = around.add("Sub", [here, rankOf(y)]);
  const ones = around.add("Expand", [around.ints([1]), after]);
  const shape = around.add("Concat", [around.add("Shape", [y]), ones], { axis: 0 });
  return around.add("Reshape", [y, shape]);
}

/** The second value was broadcast where it was said, from an axis on if one was named. */
function broadcast(node: NodeProto, around: Surroundings): NodeProto {
  const [x, y] = node.input as [string, string];
  const axis = intAttribute(node, "axis", undefined);
  const newer = without(node, "axis", "broadcast");
  if (axis === undefined || intAttribute(node, "broadcast", 0) === 0) return newer;
  return { ...newer, input: [x, aligned(around, x, y, axis)] };
}

/** One slope for each channel, the axis 1. */
function slopes(node: NodeProto, around: Surroundings): NodeProto {
  const [x, slope] = node.input as [string, string];
  return around.rank(slope) === 1 ? { ...node, input: [x, aligned(around, x, slope, 1)] } : node;
}

/** The number of outputs tells the mode since, which `is_test` told. */
function normalization(node: NodeProto): NodeProto {
  const newer = without(node, "is_test");
  const inference = intAttribute(node, "is_test", 0) !== 0;
  return inference ? { ...newer, output: newer.output.slice(0, 1) } : newer;
}

function castTo(node: NodeProto): NodeProto {
  const attribute = node.attribute.find((a) => a.name === "to");
  if (attribute === undefined || attribute.s === undefined || attribute.s.length === 0) return node;
  const name = stringAttribute(node, "to", "").toUpperCase();
  const type = DataType[name as keyof typeof DataType];
  return typeof type === "number"
    ? withAttribute(node, "to", type)
    : refuse(node, `there is no element type "${name}"`);
}

function enlarged(node: NodeProto): NodeProto {
  const [height, width] = ["height_scale", "width_scale"].map((name) =>
    floatAttribute(node, name, undefined)
  );
  if (height === undefined || width === undefined) return node;
  const mode = stringAttribute(node, "mode", "nearest");
  const newer = without(node, "height_scale", "width_scale");
  return withAttribute(
    withAttribute(newer, "scales", { floats: [1, 1, height, width] }),
    "mode",
    mode === "bilinear" ? "linear" : mode,
  );
}

function shaped(node: NodeProto, around: Surroundings): NodeProto {
  const shape = intsAttribute(node, "shape", undefined);
  if (shape === undefined) return node;
  return { ...without(node, "shape"), input: [node.input[0]!, around.ints(shape)] };
}

function padded(node: NodeProto): NodeProto {
  const pads = intsAttribute(node, "paddings", undefined);
  return pads === undefined ? node : withAttribute(without(node, "paddings"), "pads", pads);
}

function wholePower(node: NodeProto): NodeProto {
  const p = node.attribute.find((a) => a.name === "p")?.f ?? 2;
  if (!Number.isInteger(p)) return refuse(node, `p is ${p}, not a whole number`);
  return withAttribute(node, "p", p);
}

const changes: readonly Change[] = [
  { operators: "Add And Div Equal Greater Less Mul Or Pow Sub Xor", since: 7, how: broadcast },
  { operators: "BatchNormalization", since: 7, how: normalization },
  { operators: "Cast", since: 6, how: castTo },
  { operators: "Concat", since: 4, how: (node) => withDefault(node, "axis", 1) },
  { operators: "Dropout", since: 7, how: (node) => without(node, "is_test") },
  { operators: "GRU LSTM RNN", since: 7, how: (node) => without(node, "output_sequence") },
  { operators: "Gemm", since: 7, how: (node) => without(node, "broadcast") },
  { operators: "GlobalLpPool LpPool", since: 2, how: wholePower },
  { operators: "PRelu", since: 7, how: slopes },
  { operators: "Pad", since: 2, how: padded },
  { operators: "Reshape", since: 5, how: shaped },
  {
    operators: "Selu",
    since: 6,
    how: (node) => withDefault(withDefault(node, "alpha", float(1.6732)), "gamma", float(1.0507)),
  },
  {
    operators: "Tile",
    since: 6,
    how: (node) =>
      node.input.length === 3
        ? refuse(node, "it repeats one axis; convert it with onnx.version_converter")
        : node,
  },
  { operators: "Upsample", since: 7, how: enlarged },
];

const table = new Map(
  changes.flatMap(({ operators, ...change }) =>
    operators.split(" ").map((operator) => [operator, change] as const)
  ),
);

/** A node of an operator set before 8 in the form of set 8, in which it means the same. */
export function newerNode(node: NodeProto, opset: number, around: Surroundings): NodeProto {
  if (node.domain !== "" && node.domain !== "ai.onnx") return node;
  const change = table.get(node.opType);
  // What set 1 allowed to be written over.
  const newer = without(node, "consumed_inputs");
  return change === undefined || opset >= change.since ? newer : change.how(newer, around);
}
