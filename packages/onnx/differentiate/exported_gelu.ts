/** @module */
import type { Builder } from "../graph/builder.ts";
import {
  DataType,
  floatAttribute,
  readersIn,
  replaceNode,
  tensorData,
} from "../rules/shared/mod.ts";
import type { NodeProto } from "../proto/onnx_pb.ts";
import { appendGelu } from "../rules/gelu.ts";

/** The first operator set that has Gelu. */
const GELU_OPSET = 20;
/** How far a constant may be from what it stands for: float32 rounds by half of 1.2e-7. */
const ROUNDING = 1e-6;

const isClose = (x: number | undefined, to: number) =>
  x !== undefined && Math.abs(x - to) <= ROUNDING * to;

/** The pieces of `x ½ (1 + erf(x/√2))` that were found. */
interface Found {
  readonly x: string;
  /** The node that makes the result. */
  readonly last: NodeProto;
}

/**
 * Makes one Gelu of each `x ½ (1 + erf(x/√2))`, in whichever order its factors are multiplied: what
 * exporters write before operator set 20, and whose gradient by single operators takes half as many
 * passes again. Only where nothing else reads what is in between. `kept` are values that must stay: outputs,
 * trained and fed constants.
 */
export function recognizeGelus(b: Builder, kept: ReadonlySet<string>): void {
  const readers = readersIn(b.nodes);
  for (const erf of b.nodes.filter(({ opType, domain }) => opType === "Erf" && domain === "")) {
    const found = geluOf(b, erf, { kept, readers });
    if (found === undefined) continue;
    const { x, last } = found;
    replaceNode(b, last, () => b.node("Gelu", [x], {}, { outputs: last.output }));
  }
}

/** Writes each Gelu out where the operator set has none. */
export function writeGelus(b: Builder): void {
  if (b.opset >= GELU_OPSET) return;
  for (const node of b.nodes.filter((n) => n.opType === "Gelu" && n.domain === "")) {
    replaceNode(b, node, () => appendGelu(b, node.input[0]!, { output: node.output[0]! }));
  }
}

interface Surroundings {
  readonly kept: ReadonlySet<string>;
  readonly readers: ReadonlyMap<string, readonly NodeProto[]>;
}

function geluOf(b: Builder, erf: NodeProto, around: Surroundings): Found | undefined {
  const { kept, readers } = around;
  const constant = (name: string) => kept.has(name) ? undefined : numberIn(b, name);
  /** The one reader of a value that nobody else needs. */
  const reader = (name: string) => {
    const found = readers.get(name) ?? [];
    return found.length === 1 && !kept.has(name) ? found[0] : undefined;
  };
  /** `v` as a number times another value. */
  const scaled = (v: string): { x: string; by: number } | undefined => {
    const node = b.producer(v);
    if (node === undefined || node.domain !== "") return undefined;
    const [p, q] = node.input as [string, string];
    if (node.opType === "Div") {
      const by = constant(q);
      return by === undefined ? undefined : { x: p, by: 1 / by };
    }
    if (node.opType !== "Mul") return undefined;
    const [first, second] = [constant(p), constant(q)];
    if (second !== undefined) return { x: p, by: second };
    return first === undefined ? undefined : { x: q, by: first };
  };

  const argument = erf.input[0]!;
  const inner = scaled(argument);
  if (inner === undefined || reader(argument) !== erf || !isClose(inner.by, Math.SQRT1_2)) {
    return undefined;
  }
  const { x } = inner;
  // Of other types ONNX Runtime has no kernel, and constants are too coarse to be told.
  const { dataType, dims = [] } = b.type(x) ?? {};
  if (dataType !== DataType.FLOAT || dims.length === 0) return undefined;
  let node = reader(erf.output[0]!);
  let factor = 1;
  if (node?.opType === "Add" && node.domain === "") {
    const other = node.input.find((name) => name !== erf.output[0]);
    if (other === undefined || !isClose(constant(other), 1)) return undefined;
  } else if (node?.opType === "HardSigmoid" && node.domain === "") {
    if (floatAttribute(node, "alpha", 0.2) !== 0.5) return undefined;
    if (floatAttribute(node, "beta", 0.5) !== 0.5) return undefined;
    factor = 0.5;
  } else return undefined;

  let multiplied = false;
  for (;;) {
    const value = node.output[0]!;
    node = reader(value);
    if (node === undefined || node.domain !== "") return undefined;
    const [p, q] = node.input as [string, string];
    const other = p === value ? q : p;
    const number = constant(other);
    if (node.opType === "Div" && p === value && number !== undefined) factor /= number;
    else if (node.opType !== "Mul" || p === q) return undefined;
    else if (number !== undefined) factor *= number;
    else if (multiplied) return undefined;
    else if (other === x) multiplied = true;
    else {
      const half = scaled(other);
      if (half?.x !== x || reader(other) !== node) return undefined;
      factor *= half.by;
      multiplied = true;
    }
    if (multiplied && isClose(factor, 0.5)) return { x, last: node };
  }
}

/** The number that a constant of one element holds. */
function numberIn(b: Builder, name: string): number | undefined {
  const node = b.producer(name);
  if (node?.opType === "Identity" && node.domain === "") return numberIn(b, node.input[0]!);
  const tensor = b.initializers.get(name);
  if (tensor === undefined || tensor.dataType !== DataType.FLOAT || tensor.dataLocation === 1) {
    return undefined;
  }
  // More axes than x has would give the result more of them.
  return tensor.dims.length === 0 || (tensor.dims.length === 1 && tensor.dims[0] === 1n)
    ? tensorData(tensor)[0] as number
    : undefined;
}
