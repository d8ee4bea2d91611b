/**
 * Runs a program without generating code, block by block, with the same arithmetic in the same
 * order as the JavaScript lowering.
 *
 * @module
 */
import type { Node, Program } from "../kernel/program.ts";
import type { HostPass } from "./host_pass.ts";
import { firstInfinite, storedNodes } from "./rounding.ts";

const block = 1024;

type Registers = readonly Float64Array[];

function apply(node: Node, registers: Registers, out: Float64Array, n: number) {
  const [a, b, c] = node.args.map((arg) => registers[arg]!) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  const map = (f: (i: number) => number | boolean) => {
    for (let i = 0; i < n; i++) out[i] = Number(f(i));
  };
  switch (node.op) {
    case "neg":
      return map((i) => -a[i]!);
    case "abs":
      return map((i) => Math.abs(a[i]!));
    case "sqrt":
      return map((i) => Math.sqrt(a[i]!));
    case "add":
      return map((i) => a[i]! + b[i]!);
    case "sub":
      return map((i) => a[i]! - b[i]!);
    case "mul":
      return map((i) => a[i]! * b[i]!);
    case "div":
      return map((i) => a[i]! / b[i]!);
    case "min":
      return map((i) => Math.min(a[i]!, b[i]!));
    case "max":
      return map((i) => Math.max(a[i]!, b[i]!));
    case "lt":
      return map((i) => a[i]! < b[i]!);
    case "le":
      return map((i) => a[i]! <= b[i]!);
    case "gt":
      return map((i) => a[i]! > b[i]!);
    case "ge":
      return map((i) => a[i]! >= b[i]!);
    case "eq":
      return map((i) => a[i]! === b[i]!);
    case "isFinite":
      return map((i) => Math.abs(a[i]!) < firstInfinite);
    case "and":
      return map((i) => a[i]! !== 0 && b[i]! !== 0);
    case "or":
      return map((i) => a[i]! !== 0 || b[i]! !== 0);
    case "not":
      return map((i) => a[i]! === 0);
    case "select":
      return map((i) => a[i]! !== 0 ? b[i]! : c[i]!);
    default:
      throw new TypeError(`Cannot interpret: unknown operator ${node.op}`);
  }
}

/** Every pass of the program as an interpreted function. */
export function interpret(program: Program): HostPass[] {
  // Values that do not vary within the block still fill it: one code path, whatever the rate.
  const registers = program.nodes.map(() => new Float64Array(block));
  const stored = storedNodes(program);
  return program.passes.map((pass, p) =>
  (
    rows,
    columns,
    inputs,
    outputs,
    scalars,
    totals,
    rowSums,
  ) => {
    const compute = (ids: readonly number[], row: number, start: number, n: number) => {
      for (const id of ids) {
        const node = program.nodes[id]!;
        const out = registers[id]!;
        if (node.op === "const") out.fill(node.value!, 0, n);
        else if (node.op === "scalar") out.fill(scalars[node.index!]!, 0, n);
        else if (node.op === "read") {
          const source = inputs[node.index!]!;
          if (node.rate === "element") out.set(source.subarray(start, start + n));
          else out.fill(source[node.rate === "row" ? row : 0]!, 0, n);
        } else if (node.op === "sum") {
          const rowSum = program.sums[node.index!]!.scope === "row";
          const sum = rowSum ? rowSums[node.index!]![row]! : totals[node.index!]!;
          out.fill(Math.fround(sum), 0, n);
        } else apply(node, registers, out, n);
        if (stored.has(id)) { for (let i = 0; i < n; i++) out[i] = Math.fround(out[i]!); }
      }
    };
    const store = (shape: string, at: number, n: number) => {
      for (const o of pass.outputs) {
        const { shape: own, node } = program.outputs[o]!;
        if (own === shape) outputs[o]!.set(registers[node]!.subarray(0, n), at);
      }
    };
    const wide = pass.sums.filter((s) => program.sums[s]!.scope !== "row");
    const perRow = pass.sums.filter((s) => program.sums[s]!.scope === "row");
    const accumulators = new Float64Array(program.sums.length);
    compute(pass.tensor, 0, 0, block);
    for (let row = 0; row < rows; row++) {
      compute(pass.row, row, 0, block);
      for (const s of perRow) accumulators[s] = 0;
      for (let column = 0; column < columns; column += block) {
        const n = Math.min(block, columns - column);
        const start = row * columns + column;
        compute(pass.element, row, start, n);
        for (const s of pass.sums) {
          const values = registers[program.sums[s]!.node]!;
          let total = accumulators[s]!;
          for (let i = 0; i < n; i++) total += values[i]!;
          accumulators[s] = total;
        }
        store("element", start, n);
      }
      for (const s of perRow) rowSums[s]![row] = accumulators[s]!;
      store("row", row, 1);
    }
    for (const s of wide) totals[s] = accumulators[s]!;
    store("tensor", 0, 1);
    const last = p === program.passes.length - 1;
    return last && program.hold !== undefined && registers[program.hold]![0] !== 0;
  });
}
