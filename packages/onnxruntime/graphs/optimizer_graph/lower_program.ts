/**
 * Kernel programs as ONNX nodes.
 *
 * @module
 */
import { layout, type Node, type Program } from "@precond/core/backend";
import type { ModelBuilder } from "@precond/onnx";

/** One parameter's share of a program. */
export interface ProgramCall {
  readonly shape: readonly number[];
  /** Name of the vector of scalars, in the order of `program.scalars`. */
  readonly scalars: string;
  /** Graph values by the program's names. */
  readonly inputs: ReadonlyMap<string, string>;
}

/** What a call becomes. */
export interface LoweredCall {
  readonly outputs: ReadonlyMap<string, string>;
  /** A truth value: the step was held. */
  readonly held: string | undefined;
}

const SIMPLE: Partial<Record<Node["op"], string>> = {
  neg: "Neg",
  abs: "Abs",
  sqrt: "Sqrt",
  add: "Add",
  sub: "Sub",
  mul: "Mul",
  div: "Div",
  min: "Min",
  max: "Max",
  lt: "Less",
  le: "LessOrEqual",
  gt: "Greater",
  ge: "GreaterOrEqual",
  eq: "Equal",
  and: "And",
  or: "Or",
  not: "Not",
  select: "Where",
};

/** Appends a program for several parameters; sums over "all" run over these. */
export function lowerProgram(
  m: ModelBuilder,
  program: Program,
  calls: readonly ProgramCall[],
): LoweredCall[] {
  const ints = new Map<string, string>();
  const vector = (values: readonly number[]) => {
    const key = `axes ${values.join()}`;
    let name = ints.get(key);
    if (name === undefined) {
      name = m.parameter(
        `${key}.${counter(m)}`,
        [values.length],
        BigInt64Array.from(values, BigInt),
      );
      ints.set(key, name);
    }
    return name;
  };
  const constants = new Map<number, string>();
  const number = (value: number) => {
    let name = constants.get(value);
    if (name === undefined) {
      name = m.parameter(`number ${value}.${counter(m)}`, [], Float32Array.of(value));
      constants.set(value, name);
    }
    return name;
  };
  /** Names are unique in a model that several programs are lowered into. */
  const known = calls.map(() => new Map<number, string>());
  const totals = new Map<number, string>();

  const rowShape = (shape: readonly number[]) =>
    shape.length === 0 ? [1] : [...shape.slice(0, -1), 1];

  const valueOf = (c: number, id: number): string => {
    const found = known[c]!.get(id);
    if (found !== undefined) return found;
    const made = make(c, program.nodes[id]!);
    known[c]!.set(id, made);
    return made;
  };

  const make = (c: number, node: Node): string => {
    const call = calls[c]!;
    switch (node.op) {
      case "const":
        return number(node.value!);
      case "scalar":
        return m.op("Squeeze", [
          m.op("Slice", [call.scalars, vector([node.index!]), vector([node.index! + 1])]),
          vector([0]),
        ]);
      case "read": {
        const { name, shape } = program.inputs[node.index!]!;
        const value = call.inputs.get(name)!;
        return shape === "row" ? m.op("Reshape", [value, vector(rowShape(call.shape))]) : value;
      }
      case "sum":
        return sumOf(c, node.index!);
      case "isFinite": {
        const [x] = node.args.map((arg) => valueOf(c, arg));
        return m.op("Not", [m.op("Or", [m.op("IsNaN", [x!]), m.op("IsInf", [x!])])]);
      }
      default: {
        const opType = SIMPLE[node.op];
        if (opType === undefined) {
          throw new TypeError(`Cannot lower to ONNX: unknown operator ${node.op}`);
        }
        return m.op(opType, node.args.map((arg) => valueOf(c, arg)));
      }
    }
  };

  const sumOf = (c: number, s: number): string => {
    const { scope, node } = program.sums[s]!;
    if (scope === "row") {
      const { shape } = calls[c]!;
      const value = expanded(c, node);
      return shape.length === 0
        ? m.op("Reshape", [value, vector([1])])
        : m.op("ReduceSum", [value, vector([shape.length - 1])], { keepdims: 1 });
    }
    const total = (k: number) => m.op("ReduceSum", [expanded(k, node)], { keepdims: 0 });
    if (scope === "tensor") return total(c);
    let all = totals.get(s);
    if (all === undefined) {
      all = calls.map((_, k) => total(k)).reduce((a, b) => m.op("Add", [a, b]));
      totals.set(s, all);
    }
    return all;
  };

  /** A value as often as it counts in a sum: once an element. */
  const expanded = (c: number, id: number): string => {
    const value = valueOf(c, id);
    if (program.nodes[id]!.rate === "element") return value;
    return m.op("Expand", [value, vector(calls[c]!.shape)]);
  };

  return calls.map((call, c) => {
    const outputs = new Map(program.outputs.map(({ name, shape, node }) => {
      let value = valueOf(c, node);
      const { rows } = layout(call.shape);
      if (shape === "row") value = m.op("Reshape", [value, vector([rows])]);
      // A value that is the same everywhere still fills its array.
      else if (shape === "element" && program.nodes[node]!.rate !== "element") {
        value = m.op("Expand", [value, vector(call.shape)]);
      }
      return [name, value];
    }));
    const held = program.hold === undefined ? undefined : valueOf(c, program.hold);
    return { outputs, held };
  });
}

const counters = new WeakMap<ModelBuilder, number>();

function counter(m: ModelBuilder): number {
  const next = (counters.get(m) ?? 0) + 1;
  counters.set(m, next);
  return next;
}
