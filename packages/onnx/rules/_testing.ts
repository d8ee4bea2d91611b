/**
 * Gradients at chosen points: for kinks, where differences say nothing, and for functions that
 * onnxruntime-node has in float32 alone.
 *
 * @module
 */
import { differentiate } from "../differentiate/differentiate.ts";
import { hessianVectorProduct } from "../differentiate/hessian_vector_product.ts";
import type { ModelProto, NodeProto } from "../proto/onnx_pb.ts";
import type { AttributeValue } from "../model/attributes.ts";
import { DataType } from "../model/data_type.ts";
import { declaration } from "../model/value_info.ts";
import {
  type GradientCase,
  makeModel,
  makeNode,
  normal,
  oracleOrt,
  runModel,
  type TestGraph,
  type Value,
} from "../_testing.ts";

/** `Σ y` over the output "y" of a graph. */
export function summed(nodes: readonly NodeProto[], graph: Partial<TestGraph>): ModelProto {
  return makeModel({
    ...graph,
    nodes: [...nodes, makeNode("ReduceSum", ["y"], ["total"], { keepdims: 0 })],
    outputs: ["total"],
  });
}

/** `∂ Σy / ∂input` for every input, or for those that are asked for. */
export async function gradientOf(
  nodes: readonly NodeProto[],
  inputs: Readonly<Record<string, Value>>,
  options: Partial<TestGraph> & {
    readonly wanted?: readonly string[];
    readonly stopped?: readonly string[];
  } = {},
): Promise<Record<string, number[]>> {
  const model = summed(nodes, { ...options, inputs });
  const trainable = options.wanted ?? Object.keys(inputs);
  const { model: gradient, gradients } = differentiate(model, {
    output: "total",
    trainable,
    ...(options.stopped === undefined ? {} : { stopped: options.stopped }),
  });
  const found = await runModel(gradient, inputs);
  return Object.fromEntries(trainable.map((name) => [name, found[gradients.get(name)!]!.data]));
}

/**
 * A convolution as a case of `testGradients()`: it is linear in each input, so that a long step has no
 * error but float32's, 6e-8 · |f| / h.
 */
export function convolutionCase(
  { name, opset, symbols }: {
    readonly name: string;
    readonly opset?: number;
    /** Those of "x". */
    readonly symbols?: (number | string)[];
  },
  node: NodeProto,
  inputs: Readonly<Record<string, Value>>,
): GradientCase {
  return {
    name,
    nodes: [node],
    inputs,
    precision: "float",
    multilinear: true,
    step: 0.5,
    tolerance: 5e-5,
    ...(opset === undefined ? {} : { opset }),
    ...(symbols === undefined ? {} : { symbols: { x: symbols } }),
  };
}

/**
 * What a training kernel is compared with, in float32: a random `dy` in the shape of the node's first
 * output, and `∂ ⟨dy, output⟩ / ∂input` for every input, or for those that are asked for.
 */
export async function pulledBack(
  node: NodeProto,
  inputs: Readonly<Record<string, Value>>,
  { wanted = Object.keys(inputs), symbols = {} }: {
    readonly wanted?: readonly string[];
    readonly symbols?: NonNullable<TestGraph["symbols"]>;
  } = {},
): Promise<{ readonly dy: Value; readonly gradients: Readonly<Record<string, number[]>> }> {
  const output = node.output[0]!;
  const forward = makeModel({ nodes: [node], inputs, outputs: [output] });
  const { dims } = (await runModel(forward, inputs))[output]!;
  const dy = { ...normal(4, dims), type: DataType.FLOAT };
  const { model, gradients } = differentiate(
    makeModel({
      nodes: [
        node,
        makeNode("Mul", [output, "dy"], ["weighted"]),
        makeNode("ReduceSum", ["weighted"], ["loss"], { keepdims: 0 }),
      ],
      inputs: { ...inputs, dy },
      outputs: ["loss"],
      symbols,
    }),
    { output: "loss", trainable: wanted },
  );
  const found = await runModel(model, { ...inputs, dy });
  return {
    dy,
    gradients: Object.fromEntries(wanted.map((name) => [name, found[gradients.get(name)!]!.data])),
  };
}

/**
 * What a gradient kernel of ONNX Runtime's training build makes of inputs in its order. `dims` are
 * those of its output where it takes them from the declaration.
 */
export async function trainingKernel(
  opType: string,
  inputs: Readonly<Record<string, Value>>,
  outputs: readonly string[],
  { attributes = {}, domain = "com.microsoft", opset, dims }: {
    readonly attributes?: Readonly<Record<string, AttributeValue>>;
    readonly domain?: string;
    readonly opset?: number;
    readonly dims?: readonly number[];
  } = {},
): Promise<Readonly<Record<string, number[]>>> {
  const model = makeModel({
    nodes: [makeNode(opType, Object.keys(inputs), outputs, attributes, domain)],
    inputs,
    outputs,
    ...(opset === undefined ? {} : { opset }),
  });
  if (dims !== undefined) model.graph!.output[0] = declaration(outputs[0]!, DataType.FLOAT, dims);
  const found = await runModel(model, inputs, await oracleOrt());
  return Object.fromEntries(outputs.map((name) => [name, found[name]!.data]));
}

/** First and second derivatives of an elementwise operator (or several) at the elements of `x`. */
export async function derivativesOf(
  nodes: NodeProto | readonly NodeProto[],
  x: Value,
  options: Partial<TestGraph> = {},
): Promise<{ first: number[]; second: number[] }> {
  const model = summed([nodes].flat(), { ...options, inputs: { x } });
  const hvp = hessianVectorProduct(model, { output: "total", trainable: ["x"] });
  const ones = { ...x, data: x.data.map(() => 1) };
  const found = await runModel(hvp.model, { x, [hvp.vectors.get("x")!]: ones });
  return {
    first: found[hvp.gradients.get("x")!]!.data,
    second: found[hvp.products.get("x")!]!.data,
  };
}

/** `(8(f(x+h) − f(x−h)) − (f(x+2h) − f(x−2h))) / 12h`, in double. */
export function slope(f: (x: number) => number, x: number, h: number): number {
  return (8 * (f(x + h) - f(x - h)) - (f(x + 2 * h) - f(x - 2 * h))) / (12 * h);
}
