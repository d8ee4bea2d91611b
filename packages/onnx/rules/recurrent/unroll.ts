/** @module */
import { type Dim, product } from "../../graph/dims.ts";
import { reshape, squeeze, unsqueeze, where } from "../../graph/emit.ts";
import { activationsOf } from "./activations.ts";
import { type Cell, type Direction, parts, type State, type Step } from "./cells.ts";
import type { NodeContext } from "../../graph/rule.ts";

/** Longer sequences are refused: each time step is nodes of its own. */
const MOST_STEPS = 4096;

/** Inputs of all three operators. */
export const X = 0;
const [W, R, B, LENGTHS] = [1, 2, 3, 4];
export const H0 = 5;
/** Inputs of LSTM alone. */
export const C0 = 6;
const P = 7;

const DIRECTIONS: ReadonlyMap<string, readonly boolean[]> = new Map([
  ["forward", [false]],
  ["reverse", [true]],
  ["bidirectional", [false, true]],
]);

/** For each direction whether it goes back in time. */
export function directionsOf(n: NodeContext): readonly boolean[] {
  const direction = n.string("direction", "forward");
  return DIRECTIONS.get(direction.toLowerCase()) ?? n.refuse("read", `direction "${direction}"`);
}

/** Size of the state, from the node or its recurrent weights. */
export function hiddenOf(n: NodeContext): Dim | undefined {
  const given = n.int("hidden_size", 0);
  return given > 0 ? given : n.dims(R)?.[2];
}

/** The sizes of a node that can be unrolled. */
interface Sizes {
  readonly steps: number;
  readonly batch: Dim;
  readonly hidden: number;
  readonly directions: readonly boolean[];
}

function sizesOf(n: NodeContext, { gates, outputs }: Cell): Sizes {
  for (const [index, name] of [[X, "X"], [W, "W"], [R, "R"]] as const) {
    if (n.input(index) === undefined) n.refuse("unroll", `it has no input ${name}`);
  }
  if (n.node.output.length > outputs) {
    n.refuse("unroll", `expected ${outputs} outputs, actual number is ${n.node.output.length}`);
  }
  const directions = directionsOf(n);
  const [x, r, hidden] = [n.b.dims(n.input(X)!), n.dims(R), hiddenOf(n)];
  const [steps] = x;
  if (typeof steps !== "number") {
    n.refuse(
      "unroll",
      `the length of its sequences is not fixed ("${steps}"): give the time axis of the model's ` +
        `input a size`,
    );
  }
  if (!(steps >= 1 && steps <= MOST_STEPS)) {
    n.refuse("unroll", `expected sequences of 1 to ${MOST_STEPS} steps, actual length is ${steps}`);
  }
  if (typeof hidden !== "number") n.refuse("unroll", "its hidden size is not known");
  const expect = (index: number, name: string, expected: readonly (Dim | undefined)[]) => {
    const dims = n.dims(index);
    const differs = dims !== undefined && (dims.length !== expected.length ||
      dims.some((d, k) =>
        typeof d === "number" && typeof expected[k] === "number" && d !== expected[k]
      ));
    if (differs) {
      const wanted = expected.map((d) => d ?? "?");
      n.refuse("unroll", `expected ${name} of shape [${wanted}], actual shape is [${dims}]`);
    }
  };
  const batch = [x[1], n.dims(LENGTHS)?.[0], n.dims(H0)?.[1], n.dims(C0)?.[1]]
    .find((d) => typeof d === "number") ?? x[1]!;
  const [count, size] = [directions.length, gates * hidden];
  expect(W, "W", [count, size, x[2]]);
  expect(R, "R", [count, size, hidden]);
  if (r === undefined) n.refuse("unroll", "the rank of its R is not known");
  expect(B, "B", [count, 2 * size]);
  expect(LENGTHS, "sequence_lens", [batch]);
  expect(H0, "initial_h", [count, batch, hidden]);
  expect(C0, "initial_c", [count, batch, hidden]);
  expect(P, "P", [count, 3 * hidden]);
  return { steps, batch, hidden, directions };
}

/** Which sequences still run at a time step: undefined for all. */
type Running = (t: number) => string | undefined;

function runningOf(n: NodeContext, { steps, batch }: Sizes): Running {
  const { b } = n;
  const lengths = n.input(LENGTHS);
  if (lengths === undefined) return () => undefined;
  const known = b.known(lengths)?.filter((d) => typeof d === "number");
  const shortest = known === undefined || known.length < b.known(lengths)!.length
    ? 0
    : Math.min(steps, ...known);
  const column = unsqueeze(b, lengths, [1]);
  const dataType = b.dataType(lengths);
  b.declare(column, { dataType, dims: [batch, 1] });
  return (t) => t < shortest ? undefined : b.op("Greater", [column, b.constant([t], dataType, [])]);
}

/** Writes a node's outputs by one small cell for each time step. */
export function unroll(n: NodeContext, cell: Cell): void {
  const { b, node } = n;
  const sizes = sizesOf(n, cell);
  const { steps, batch, hidden, directions } = sizes;
  const dataType = b.dataType(n.input(X)!);
  const activations = activationsOf(n, directions.flatMap(() => cell.activations));
  const running = runningOf(n, sizes);
  /** An input for each direction, without that axis. */
  const perDirection = (index: number): (string | undefined)[] => {
    const name = n.input(index);
    if (name === undefined) return directions.map(() => undefined);
    return parts(b, name, directions.map(() => 1)).map((part) => squeeze(b, part, [0]));
  };
  const states = (index: number) =>
    perDirection(index).map((state) => {
      if (state !== undefined) b.declare(state, { dataType, dims: [batch, hidden] });
      return state;
    });
  const inputs = b.dims(n.input(X)!)[2]!;
  const x = rowsOf(n, [product([steps, batch]), inputs]);
  const [w, r, biases, peepholes] = [W, R, B, P].map(perDirection);
  const [h0, c0] = [H0, C0].map(states);

  const runs = directions.map((back, k) => {
    const bias = biases![k];
    const size = cell.gates * hidden;
    const d: Direction = {
      n,
      hidden,
      batch,
      steps,
      x,
      w: w![k]!,
      r: r![k]!,
      biases: bias === undefined ? undefined : parts(b, bias, [size, size]) as [string, string],
      peepholes: peepholes![k],
      activations: activations.slice(k * cell.activations.length),
    };
    return run(d, cell.begin(d), { h: h0![k], c: c0![k] }, { back, running });
  });

  const joined = (values: readonly string[], axis: number) =>
    values.length === 1 ? values[0]! : b.op("Concat", values, { axis });
  const give = (index: number, make: () => string) => {
    const name = node.output[index];
    if (name !== undefined && name !== "") b.alias(make(), name);
  };
  const shape = [steps, 1, batch, hidden];
  give(0, () => joined(runs.map(({ all }) => reshape(b, joined(all, 0), shape)), 1));
  give(1, () => joined(runs.map(({ last }) => unsqueeze(b, last.h!, [0])), 0));
  give(2, () => joined(runs.map(({ last }) => unsqueeze(b, last.c!, [0])), 0));
}

/** X as a matrix with a row for each time and sequence. */
function rowsOf(n: NodeContext, dims: readonly Dim[]): string {
  const { b } = n;
  const x = n.input(X)!;
  const shape = () =>
    b.op("Concat", [b.ints([-1]), b.op("Shape", [x], { start: 2, end: 3 })], { axis: 0 });
  return reshape(b, x, dims, dims.every((d) => typeof d === "string") ? shape() : undefined);
}

/** What one direction gives: H at each time, and the last state. */
interface Run {
  readonly all: readonly string[];
  readonly last: State;
}

/**
 * Goes through the time steps. A sequence that has ended keeps its state, and its H is 0 from then
 * on; backwards it starts at its own end with the initial state. One without any step ends in state
 * 0, as in ONNX Runtime.
 */
function run(
  { n, steps }: Direction,
  step: Step,
  initial: State,
  { back, running }: { back: boolean; running: Running },
): Run {
  const { b } = n;
  const all: string[] = [];
  let state = initial;
  for (let k = 0; k < steps; k++) {
    const t = back ? steps - 1 - k : k;
    const after = step(t, state);
    const runs = running(t);
    if (runs === undefined) {
      state = { h: after.h, c: after.c };
      all[t] = after.h;
      continue;
    }
    all[t] = where(b, runs, after.h, 0);
    state = {
      h: where(b, runs, after.h, state.h ?? 0),
      c: after.c === undefined ? undefined : where(b, runs, after.c, state.c ?? 0),
    };
  }
  const any = running(0);
  if (any === undefined) return { all, last: state };
  const ended = (value: string | undefined, first: string | undefined) =>
    // From a state of 0 it is 0 already.
    value === undefined || first === undefined ? value : where(b, any, value, 0);
  return { all, last: { h: ended(state.h, initial.h), c: ended(state.c, initial.c) } };
}
