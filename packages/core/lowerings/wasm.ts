/**
 * Lowering to one WebAssembly SIMD module: four float32 lanes at a time, sums in float64.
 *
 * @module
 */
import type { ArrayShape } from "../kernel/expr.ts";
import type { Node, Pass, Program } from "../kernel/program.ts";
import { asLateAsPossible } from "./schedule.ts";
import * as w from "./wasm_encoder.ts";

const op: Partial<Record<Node["op"], number>> = {
  eq: 0x41,
  lt: 0x43,
  gt: 0x44,
  le: 0x45,
  ge: 0x46,
  not: 0x4d,
  and: 0x4e,
  or: 0x50,
  abs: 0xe0,
  neg: 0xe1,
  sqrt: 0xe3,
  add: 0xe4,
  sub: 0xe5,
  mul: 0xe6,
  div: 0xe7,
};
/** NaN if either operand is; six machine instructions. */
const full = { min: 0xe8, max: 0xe9 };
/** The first operand if either is NaN; one machine instruction. */
const pseudo = { min: 0xea, max: 0xeb };
const load = w.simd(0x00), loadSplat = w.simd(0x09), store = w.simd(0x0b);
/**
 * Vectors of one turn of the main loop. Each instruction is written for all of them before the next
 * one: vector after vector, instructions that wait for their operands would fill the processor's
 * queues before it saw the next vector, whose chain of operations it could run in the meantime.
 */
const unroll = 4;
const storeLane0 = (offset = 0) => [...w.simd(0x5a), 2, offset, 0];
const splat = w.simd(0x13), and = w.simd(0x4e), bitselect = w.simd(0x52), f32x4Eq = w.simd(0x41);
const f32x4Sub = w.simd(0xe5), promoteLow = w.simd(0x5f), f64x2Add = w.simd(0xf0);
const extractF64 = (lane: number) => [...w.simd(0x21), lane];
const extractI32 = [...w.simd(0x1b), 0];
const highToLow = [...w.simd(0x0d), 8, 9, 10, 11, 12, 13, 14, 15, 0, 0, 0, 0, 0, 0, 0, 0];
const demote = [0xb6], f64Add = [0xa0];
const block = 0x02, loop = 0x03, empty = 0x40, end = 0x0b, br = 0x0c, brIf = 0x0d;

function vectorOf(value: number): number[] {
  const bytes = new Uint8Array(new Float32Array([value]).buffer);
  return [...w.simd(0x0c), ...bytes, ...bytes, ...bytes, ...bytes];
}
/** Stands for a single element, in the first lane, in place of a vector of the turn. */
const tail = -1;
const firstLane = [...w.simd(0x0c), 255, 255, 255, 255, ...new Array(12).fill(0)];

/** Order of a pass function's parameters after `rows, columns`. */
export interface WasmSignature {
  /** i32 pointers: one for each input, output (in program order) and row sum (f64 arrays). */
  readonly inputs: number;
  readonly outputs: number;
  readonly rowSums: readonly number[];
  /** f32: one for each scalar, then one for each sum (row sums: ignored). */
  readonly scalars: number;
  readonly totals: number;
}

/** Where each group of parameters begins. */
export function wasmSignature(program: Program): WasmSignature {
  return {
    inputs: program.inputs.length,
    outputs: program.outputs.length,
    rowSums: program.sums.flatMap((s, i) => s.scope === "row" ? [i] : []),
    scalars: program.scalars.length,
    totals: program.sums.length,
  };
}

function passFunction(program: Program, index: number, pass: Pass): w.WasmFunction {
  const sig = wasmSignature(program);
  const pointers = sig.inputs + sig.outputs + sig.rowSums.length;
  const params = [
    w.i32,
    w.i32,
    ...new Array(pointers).fill(w.i32),
    ...new Array(sig.scalars + sig.totals).fill(w.f32),
  ];
  const locals: number[] = [];
  const local = (type: number) => params.length + locals.push(type) - 1;
  const [rows, columns] = [0, 1];
  const input = (i: number) => 2 + i;
  const output = (o: number) => 2 + sig.inputs + o;
  const rowSum = (s: number) => 2 + sig.inputs + sig.outputs + sig.rowSums.indexOf(s);
  const scalar = (i: number) => 2 + pointers + i;
  const total = (s: number) => 2 + pointers + sig.scalars + s;

  const value = new Map<string, number>();
  const valueOf = (id: number, at = 0) => {
    const key = `${id} ${program.nodes[id]!.rate === "element" ? Math.max(at, 0) : 0}`;
    let found = value.get(key);
    if (found === undefined) value.set(key, found = local(w.v128));
    return found;
  };
  const read = (shape: ArrayShape, i: number, at: number) => {
    const wide = shape === "element" && at !== tail;
    return [
      ...w.get(input(i)),
      ...(wide ? [...load, 2, ...w.unsigned(at * 16)] : [...loadSplat, 2, 0]),
    ];
  };
  const compute = (id: number, at: number): number[] => {
    const node = program.nodes[id]!;
    const args = node.args.map((a) => w.get(valueOf(a, at)));
    const code = (): number[] => {
      const simple = op[node.op];
      if (simple !== undefined) return [...args.flat(), ...w.simd(simple)];
      switch (node.op) {
        case "min":
        case "max": {
          // Numbers of the host are never NaN: then the first operand decides.
          const second = program.nodes[node.args[1]!]!.op;
          const kind = second === "const" || second === "scalar" ? pseudo : full;
          return [...args.flat(), ...w.simd(kind[node.op])];
        }
        case "const":
          return vectorOf(node.value!);
        case "scalar":
          return [...w.get(scalar(node.index!)), ...splat];
        case "read":
          return read(program.inputs[node.index!]!.shape, node.index!, at);
        case "sum":
          return program.sums[node.index!]!.scope === "row"
            ? [...w.get(rowSum(node.index!)), 0x2b, 3, 0, ...demote, ...splat]
            : [...w.get(total(node.index!)), ...splat];
        case "isFinite": {
          // x − x is 0 for finite x and NaN, unequal to itself, otherwise.
          const difference = local(w.v128);
          return [
            ...args[0]!,
            ...args[0]!,
            ...f32x4Sub,
            ...w.tee(difference),
            ...w.get(difference),
            ...f32x4Eq,
          ];
        }
        case "select":
          // Keeping bits or none is one instruction, choosing between two is three.
          if (Object.is(program.nodes[node.args[2]!]!.value, 0)) {
            return [...args[0]!, ...args[1]!, ...and];
          }
          return [...args[1]!, ...args[2]!, ...args[0]!, ...bitselect];
        default:
          throw new TypeError(`Cannot lower to WebAssembly: unknown operator ${node.op}`);
      }
    };
    return [...code(), ...w.set(valueOf(id, at))];
  };
  const accumulators = new Map(pass.sums.map((s) => [s, local(w.v128)]));
  const accumulate = (s: number, at: number): number[] => {
    const acc = accumulators.get(s)!;
    const x = w.get(valueOf(program.sums[s]!.node, at));
    const low = at === tail ? [...x, ...firstLane, ...and] : x;
    const high = at === tail ? [] : [...x, ...x, ...highToLow, ...promoteLow, ...f64x2Add];
    return [...w.get(acc), ...low, ...promoteLow, ...f64x2Add, ...high, ...w.set(acc)];
  };
  const reduced = (s: number): number[] => {
    const acc = w.get(accumulators.get(s)!);
    return [...acc, ...extractF64(0), ...acc, ...extractF64(1), ...f64Add];
  };
  const elementArrays = [
    ...new Set(pass.element.flatMap((id) => {
      const { op, index } = program.nodes[id]!;
      return op === "read" && program.inputs[index!]!.shape === "element" ? [input(index!)] : [];
    })),
    ...pass.outputs.filter((o) => program.outputs[o]!.shape === "element").map(output),
  ];
  const advance = (pointersToMove: number[], bytes: number) =>
    pointersToMove.flatMap((p) => [...w.get(p), ...w.int(bytes), 0x6a, ...w.set(p)]);
  const outputsOf = (shape: ArrayShape) =>
    pass.outputs.filter((o) => program.outputs[o]!.shape === shape);
  const storeOne = (o: number) => [
    ...w.get(output(o)),
    ...w.get(valueOf(program.outputs[o]!.node)),
    ...storeLane0(),
  ];
  const remaining = local(w.i32);
  const write = (o: number, at: number) =>
    at === tail ? storeOne(o) : [
      ...w.get(output(o)),
      ...w.get(valueOf(program.outputs[o]!.node, at)),
      ...[...store, 2, ...w.unsigned(at * 16)],
    ];
  const order = asLateAsPossible(program.nodes, pass);
  const readAt = (name: string) =>
    order.findIndex((id) => {
      const { op, index } = program.nodes[id]!;
      return op === "read" && program.inputs[index!]!.name === name;
    });
  // Arrays are updated in place: none is written before it is read.
  const storeAt = new Map(
    outputsOf("element").map((o) => {
      const { node, name } = program.outputs[o]!;
      return [o, Math.max(order.indexOf(node), readAt(name))];
    }),
  );
  const vectors = (all: readonly number[]): number[] =>
    [-1, ...order.keys()].flatMap((i) => [
      ...(i < 0 ? [] : all.flatMap((at) => compute(order[i]!, at))),
      ...[...storeAt].flatMap(([o, when]) => when === i ? all.flatMap((at) => write(o, at)) : []),
      ...pass.sums.flatMap((s) =>
        order.indexOf(program.sums[s]!.node) === i ? all.flatMap((at) => accumulate(s, at)) : []
      ),
    ]);
  const elements = (count: number): number[] => [
    ...vectors(count < 4 ? [tail] : Array.from({ length: count / 4 }, (_, at) => at)),
    ...advance(elementArrays, 4 * count),
    ...[...w.get(remaining), ...w.int(count), 0x6b, ...w.set(remaining)],
  ];
  // while (remaining >= step) body
  const whileAtLeast = (counter: number, step: number, body: number[]): number[] => [
    ...[block, empty, loop, empty],
    ...[...w.get(counter), ...w.int(step), 0x48, brIf, 1],
    ...body,
    ...[br, 0, end, end],
  ];
  const wide = pass.sums.filter((s) => program.sums[s]!.scope !== "row");
  const perRow = pass.sums.filter((s) => program.sums[s]!.scope === "row");
  const movesByRow = [
    ...program.inputs.flatMap((a, i) => a.shape === "row" ? [input(i)] : []),
    ...outputsOf("row").map(output),
  ];
  const zero = (s: number) => [...vectorOf(0), ...w.set(accumulators.get(s)!)];
  const last = index === program.passes.length - 1;

  const body = [
    ...pass.tensor.flatMap((id) => compute(id, tail)),
    ...wide.flatMap(zero),
    ...whileAtLeast(rows, 1, [
      ...pass.row.flatMap((id) => compute(id, tail)),
      ...perRow.flatMap(zero),
      ...w.get(columns),
      ...w.set(remaining),
      ...[4 * unroll, 4, 1].flatMap((count) => whileAtLeast(remaining, count, elements(count))),
      ...perRow.flatMap((s) => [...w.get(rowSum(s)), ...reduced(s), 0x39, 3, 0]),
      ...outputsOf("row").flatMap(storeOne),
      ...advance(movesByRow, 4),
      ...advance(sig.rowSums.map(rowSum), 8),
      ...[...w.get(rows), ...w.int(1), 0x6b, ...w.set(rows)],
    ]),
    ...wide.flatMap((s) => [...reduced(s), 0x24, ...w.unsigned(s)]),
    ...outputsOf("tensor").flatMap(storeOne),
    ...(last && program.hold !== undefined
      ? [...w.get(valueOf(program.hold)), ...extractI32]
      : w.int(0)),
  ];
  return { name: `pass${index}`, params, results: [w.i32], locals, body };
}

/**
 * The bytes of a module that imports `env.memory` and exports `pass0`, `pass1`, … (parameters:
 * rows, columns, then {@linkcode WasmSignature}; result: nonzero if the step is held) and, for each
 * sum of the program, a mutable f64 global `g<index>` that the completing pass sets.
 */
export function wasmModule(
  program: Program,
  options: { sharedMemory?: boolean } = {},
): Uint8Array<ArrayBuffer> {
  return w.encodeModule(
    program.passes.map((pass, i) => passFunction(program, i, pass)),
    program.sums.length,
    options.sharedMemory ?? false,
  );
}
