/**
 * One step of a chain as ONNX nodes: its program, or programs between products of matrices.
 *
 * @module
 */
import type { Chain } from "@precond/core";
import {
  averageProgram,
  basisSlots,
  flowName,
  type Fresh,
  heldName,
  newestWeight,
  type Program,
  type Sides,
  weights,
} from "@precond/core/backend";
import type { ModelBuilder } from "@precond/onnx";
import { type LoweredCall, lowerProgram } from "./lower_program.ts";

/** One parameter of the graph. */
export interface GraphItem {
  readonly name: string;
  readonly shape: readonly number[];
  /** The step from 0 on, at most the last one that scalars are known for. */
  readonly row: string;
  /** Graph values by the names of programs. */
  readonly inputs: ReadonlyMap<string, string>;
  /** The sides that a basis rotates, if any. */
  readonly sides?: Sides;
  /** The vector of a program's scalars. */
  scalars(program: Program): string;
}

const sideNames = ["left", "right"] as const;

/** Appends one step of parameters that share a chain. */
export function lowerChain(
  m: ModelBuilder,
  chain: Chain,
  items: readonly GraphItem[],
  fresh: Fresh,
  steps: number,
): LoweredCall[] {
  const rotated = items.filter(({ sides }) => sides);
  const together = rotated.length > 0 && chain.divided(fresh).sumsOverAll;
  const divided = together ? items : rotated;
  const fused = together ? [] : items.filter(({ sides }) => !sides);
  const results = new Map<GraphItem, LoweredCall>();
  const keep = (list: readonly GraphItem[], calls: readonly LoweredCall[]) =>
    list.forEach((item, i) => results.set(item, calls[i]!));
  if (fused.length > 0) keep(fused, run(m, chain.program(fresh), fused));
  if (divided.length > 0) keep(divided, lowerDivided(m, chain, divided, fresh, steps));
  return items.map((item) => results.get(item)!);
}

/** Appends a program for items; `values` are what is not among their inputs. */
function run(
  m: ModelBuilder,
  program: Program,
  items: readonly GraphItem[],
  values?: readonly ReadonlyMap<string, string>[],
): LoweredCall[] {
  return lowerProgram(
    m,
    program,
    items.map((item, i) => ({
      shape: item.shape,
      scalars: item.scalars(program),
      inputs: new Map([...item.inputs, ...values?.[i] ?? []]),
    })),
  );
}

function lowerDivided(
  m: ModelBuilder,
  chain: Chain,
  items: readonly GraphItem[],
  fresh: Fresh,
  steps: number,
): LoweredCall[] {
  const { before, inside, after, holds } = chain.divided(fresh);
  const slots = items.map(() => new Map<string, string>());
  const between = items.map(() => new Map<string, string>());
  const take = (calls: readonly LoweredCall[]) =>
    calls.forEach(({ outputs }, i) => {
      for (const [name, value] of outputs) {
        (name === flowName || name === heldName ? between : slots)[i]!.set(name, value);
      }
    });
  if (before) take(run(m, before.step, items));
  else items.forEach(({ inputs }, i) => between[i]!.set(flowName, inputs.get("gradient")!));
  const flowing = between.map((values) => values.get(flowName)!);
  const turn = (back: boolean) =>
    items.forEach((item, i) => {
      if (item.sides) {
        between[i]!.set(flowName, turned(m, item, between[i]!.get(flowName)!, back));
      }
    });
  turn(false);
  take(run(m, inside.step, items, between));
  turn(true);
  const last = run(m, after.step, items, between);
  take(last);
  items.forEach((item, i) => {
    const held = holds ? between[i]!.get(heldName) : undefined;
    const averages = averaged(m, chain, item, flowing[i]!, held, steps);
    for (const [name, value] of averages) slots[i]!.set(name, value);
  });
  return last.map(({ held }, i) => ({ outputs: slots[i]!, held }));
}

const shapesOf = new WeakMap<ModelBuilder, Map<string, string>>();

function reshaped(m: ModelBuilder, value: string, shape: readonly number[]): string {
  let known = shapesOf.get(m);
  if (!known) shapesOf.set(m, known = new Map());
  const key = `shape [${shape.join()}]`;
  let dims = known.get(key);
  if (dims === undefined) {
    dims = m.parameter(key, [shape.length], BigInt64Array.from(shape, BigInt));
    known.set(key, dims);
  }
  return m.op("Reshape", [value, dims]);
}

const transposed = (m: ModelBuilder, value: string) => m.op("Transpose", [value], { perm: [1, 0] });

/** Q_Lᵀ x Q_R, or back Q_L x Q_Rᵀ. */
function turned(m: ModelBuilder, item: GraphItem, x: string, back: boolean): string {
  const { rows, columns, left, right } = item.sides!;
  let value = reshaped(m, x, [rows, columns]);
  if (left) {
    const q = item.inputs.get(basisSlots.left.vectors)!;
    value = m.op("MatMul", [back ? q : transposed(m, q), value]);
  }
  if (right) {
    const q = item.inputs.get(basisSlots.right.vectors)!;
    value = m.op("MatMul", [value, back ? transposed(m, q) : q]);
  }
  return reshaped(m, value, item.shape);
}

/** The averages of g gᵀ and gᵀ g with this step's sample, if it takes one. */
function averaged(
  m: ModelBuilder,
  chain: Chain,
  item: GraphItem,
  x: string,
  held: string | undefined,
  steps: number,
): Map<string, string> {
  const averages = new Map<string, string>();
  const { sides, inputs } = item;
  if (!sides) return averages;
  const { decay, gramEvery } = chain.basis!;
  const program = averageProgram(held !== undefined);
  // A step without a sample keeps all and takes nothing.
  const table = Float32Array.from({ length: steps * program.scalars.length }, (_, k) => {
    const step = Math.floor(k / program.scalars.length);
    const numbers = weights(step % gramEvery === 0 ? newestWeight(decay, step / gramEvery + 1) : 0);
    return numbers[program.scalars[k % program.scalars.length] as "w" | "keep"];
  });
  const name = `scalars.basis.${item.name}`;
  const rows = m.parameter(name, [steps, program.scalars.length], table);
  const scalars = m.op("Gather", [rows, item.row], { axis: 0 });
  const matrix = reshaped(m, x, [sides.rows, sides.columns]);
  for (const side of sideNames) {
    if (!sides[side]) continue;
    const across = transposed(m, matrix);
    const sample = m.op("MatMul", side === "left" ? [matrix, across] : [across, matrix]);
    const n = side === "left" ? sides.rows : sides.columns;
    const slot = basisSlots[side].gram;
    const [call] = lowerProgram(m, program, [{
      shape: [n, n],
      scalars,
      inputs: new Map([
        ["average", inputs.get(slot)!],
        ["sample", sample],
        ...(held === undefined ? [] : [["held", held] as const]),
      ]),
    }]);
    averages.set(slot, call!.outputs.get("average")!);
  }
  return averages;
}
