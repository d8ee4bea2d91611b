/**
 * Recurrent layers with random values, as graphs and as settings of the reference.
 *
 * @module
 */
import { type AttributeValue, float } from "../../../model/attributes.ts";
import { DataType } from "../../../model/data_type.ts";
import { makeNode, normal, type TestGraph, type Value } from "../../../_testing.ts";
import {
  type RecurrentInputs,
  recurrentReference,
  type RecurrentSettings,
  type Scalar,
} from "./reference.ts";

/** The recurrent operators. */
export type OpType = RecurrentSettings["opType"];

/** A recurrent layer of the tests. */
export interface Case {
  readonly name: string;
  readonly opType: OpType;
  readonly direction?: RecurrentSettings["direction"];
  readonly bias?: boolean;
  readonly states?: boolean;
  readonly peepholes?: boolean;
  readonly clip?: number;
  readonly inputForget?: boolean;
  readonly linear?: boolean;
  readonly layout?: 1;
  readonly lengths?: readonly number[];
  /** Whether the lengths are in the model. */
  readonly constantLengths?: boolean;
  readonly time?: number;
  readonly batch?: number;
  readonly opset?: number;
  readonly symbolic?: boolean;
  /** Outputs that exist. Default: all. */
  readonly outputs?: readonly number[];
  readonly activations?: {
    readonly names: readonly string[];
    readonly alpha?: readonly number[];
    readonly beta?: readonly number[];
    readonly functions: readonly Scalar[];
  };
}

export const sigmoid: Scalar = (x) => 1 / (1 + Math.exp(-x));
const USUAL: Readonly<Record<OpType, readonly Scalar[]>> = {
  LSTM: [sigmoid, Math.tanh, Math.tanh],
  GRU: [sigmoid, Math.tanh],
  RNN: [Math.tanh],
};
export const GATES: Readonly<Record<OpType, number>> = { LSTM: 4, GRU: 3, RNN: 1 };
export const NAMES: readonly string[] = ["Y", "Y_h", "Y_c"];
const INPUTS = 2;
export const HIDDEN: number = 3;

export const operators: readonly OpType[] = ["RNN", "GRU", "LSTM"];
/** With biases and initial states. */
export const all: Pick<Case, "bias" | "states"> = { bias: true, states: true };

/** A case with its values. */
export interface Built {
  readonly settings: RecurrentSettings;
  /** Of layout 0. */
  readonly values: Readonly<Record<string, Value>>;
  readonly outputs: readonly number[];
  /** The node alone, with the loss `Σ_k ⟨R_k, output_k⟩` as "loss". */
  readonly graph: (type: DataType, layout: 0 | 1) => TestGraph;
  /** The same loss of the reference. */
  readonly loss: (values: Readonly<Record<string, Value>>) => number;
  readonly weights: readonly Value[];
}

const ORDER = ["x", "w", "r", "b", "lengths", "h0", "c0", "p"];

/** The first two of three axes exchanged. */
function exchanged(value: Value): Value {
  const [a, b, c] = value.dims as [number, number, number];
  const data = value.data.map((_, k) => {
    const [j, i, e] = [Math.floor(k / (a * c)), Math.floor(k / c) % a, k % c];
    return value.data[(i * b + j) * c + e]!;
  });
  return { ...value, dims: [b, a, c], data };
}

const layoutNode = (k: number, name: string) =>
  makeNode("Transpose", [`${name}_given`], [name], { perm: k === 0 ? [1, 2, 0, 3] : [1, 0, 2] });

/** Makes the values and the graph of a case. */
export function build(test: Case): Built {
  const { opType, direction = "forward", time = 4, batch = 3 } = test;
  const D = direction === "bidirectional" ? 2 : 1;
  const G = GATES[opType];
  const scale = (x: number) => 0.7 * x;
  const values: Record<string, Value> = {
    x: normal(1, [time, batch, INPUTS]),
    w: normal(2, [D, G * HIDDEN, INPUTS], scale),
    r: normal(3, [D, G * HIDDEN, HIDDEN], scale),
  };
  if (test.bias) values["b"] = normal(4, [D, 2 * G * HIDDEN], scale);
  if (test.lengths !== undefined) {
    values["lengths"] = { dims: [batch], data: test.lengths, type: DataType.INT32 };
  }
  if (test.states) {
    values["h0"] = normal(5, [D, batch, HIDDEN]);
    if (opType === "LSTM") values["c0"] = normal(6, [D, batch, HIDDEN]);
  }
  if (test.peepholes) values["p"] = normal(7, [D, 3 * HIDDEN]);
  const outputs = test.outputs ?? (opType === "LSTM" ? [0, 1, 2] : [0, 1]);
  const shape = (k: number) => [...(k === 0 ? [time] : []), D, batch, HIDDEN];
  const weights = NAMES.map((_, k) => normal(20 + k, shape(k)));
  const functions = test.activations?.functions ??
    Array.from({ length: D }, () => USUAL[opType]).flat();
  const settings: RecurrentSettings = {
    opType,
    time,
    batch,
    inputs: INPUTS,
    hidden: HIDDEN,
    direction,
    functions,
    clip: test.clip,
    inputForget: test.inputForget,
    linearBeforeReset: test.linear,
  };
  const { activations: a } = test;
  const attributes: Record<string, AttributeValue> = {
    hidden_size: HIDDEN,
    ...(test.direction === undefined ? {} : { direction }),
    ...(test.clip === undefined ? {} : { clip: float(test.clip) }),
    ...(test.inputForget ? { input_forget: 1 } : {}),
    ...(test.linear ? { linear_before_reset: 1 } : {}),
    ...(a === undefined ? {} : { activations: a.names }),
    ...(a?.alpha === undefined ? {} : { activation_alpha: { floats: a.alpha } }),
    ...(a?.beta === undefined ? {} : { activation_beta: { floats: a.beta } }),
  };
  const graph = (type: DataType, layout: 0 | 1): TestGraph => {
    const names = NAMES.map((name, k) => outputs.includes(k) ? name : "");
    while (names.at(-1) === "") names.pop();
    const given = layout === 1 ? names.map((n) => n === "" ? "" : `${n}_given`) : names;
    const used = ORDER.map((name) => name in values ? name : "");
    while (used.at(-1) === "") used.pop();
    const nodes = [
      makeNode(opType, used, given, { ...attributes, ...(layout === 1 ? { layout } : {}) }),
      ...names.flatMap((n, k) => layout === 0 || n === "" ? [] : [layoutNode(k, n)]),
      ...outputs.flatMap((k) => [
        makeNode("Mul", [NAMES[k]!, `R_${k}`], [`weighted_${k}`]),
        makeNode("ReduceSum", [`weighted_${k}`], [`part_${k}`], { keepdims: 0 }),
      ]),
      makeNode("Sum", outputs.map((k) => `part_${k}`), ["loss"]),
    ];
    const typed = (value: Value) => value.type === undefined ? { ...value, type } : value;
    const initializers: Record<string, Value> = Object.fromEntries(
      outputs.map((k) => [`R_${k}`, typed(weights[k]!)]),
    );
    const inputs: Record<string, Value> = {};
    for (const [name, value] of Object.entries(feeds(values, layout))) {
      const constant = name === "lengths" && test.constantLengths;
      (constant ? initializers : inputs)[name] = typed(value);
    }
    const N = "N";
    return {
      nodes,
      inputs,
      initializers,
      outputs: [...outputs.map((k) => NAMES[k]!), "loss"],
      opset: test.opset ?? 18,
      symbols: !test.symbolic ? {} : {
        x: layout === 0 ? [time, N, INPUTS] : [N, time, INPUTS],
        h0: layout === 0 ? [D, N, HIDDEN] : [N, D, HIDDEN],
        // Another name for the same size.
        c0: layout === 0 ? [D, "M", HIDDEN] : ["M", D, HIDDEN],
        lengths: ["L"],
      },
    };
  };
  const loss = (v: Readonly<Record<string, Value>>) => {
    const found = recurrentReference(settings, elements(v));
    return outputs.reduce(
      (sum, k) => sum + found[k]!.reduce((s, y, i) => s + y * weights[k]!.data[i]!, 0),
      0,
    );
  };
  return { settings, values, outputs, graph, loss, weights };
}

/** Values without their shapes. */
export const elements = (v: Readonly<Record<string, Value>>): RecurrentInputs =>
  Object.fromEntries(
    Object.entries(v).map(([k, { data }]) => [k, data]),
  ) as unknown as RecurrentInputs;

/** The values as a node of a layout takes them. */
export function feeds(
  values: Readonly<Record<string, Value>>,
  layout: 0 | 1,
): Record<string, Value> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      name,
      layout === 1 && ["x", "h0", "c0"].includes(name) ? exchanged(value) : value,
    ]),
  );
}
