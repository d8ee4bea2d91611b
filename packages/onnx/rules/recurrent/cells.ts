/** @module */
import type { Builder } from "../../graph/builder.ts";
import type { Dim } from "../../graph/dims.ts";
import { add, mul, sub } from "../../graph/emit.ts";
import type { Activation } from "./activations.ts";
import type { NodeContext } from "../../graph/rule.ts";

/** One direction of a recurrent node, its parameters without their axis of directions. */
export interface Direction {
  readonly n: NodeContext;
  readonly hidden: number;
  readonly batch: Dim;
  /** Number of time steps. */
  readonly steps: number;
  /** All time steps one after another: [steps·batch, inputs]. */
  readonly x: string;
  /** Input weights [gates·hidden, inputs]. */
  readonly w: string;
  /** Recurrent weights [gates·hidden, hidden]. */
  readonly r: string;
  /** The biases of both, each [gates·hidden]. */
  readonly biases: readonly [string, string] | undefined;
  /** Weights from the cell state to the gates i, o, f: [3·hidden]. */
  readonly peepholes: string | undefined;
  readonly activations: readonly Activation[];
}

/** What a cell hands to its next time step, each [batch, hidden]; undefined where it is zero. */
export interface State {
  readonly h: string | undefined;
  readonly c: string | undefined;
}

/** The state after time step t. */
export type Step = (t: number, before: State) => { readonly h: string; readonly c?: string };

/** A kind of cell. */
export interface Cell {
  readonly opType: string;
  /** Number of blocks in W and R. */
  readonly gates: number;
  /** Number of outputs: Y, the last H, the last C. */
  readonly outputs: number;
  /** Activations where the node names none. */
  readonly activations: readonly string[];
  /** What is computed once for all time steps. */
  readonly begin: (d: Direction) => Step;
}

/** Parts of an axis. */
export function parts(b: Builder, x: string, lengths: readonly number[], axis = 0): string[] {
  if (lengths.length === 1) return [x];
  return b.node("Split", [x, b.ints(lengths)], { axis }, { outputs: lengths.length });
}

/** `X Wᵀ + bias` for all time steps in one product, cut into the time steps. */
function projected(d: Direction, bias: string | undefined, gates: number): string[] {
  const { b } = d.n;
  const all = b.op("Gemm", [d.x, d.w, bias], { transB: 1 });
  const { batch, steps } = d;
  if (typeof batch === "number") return parts(b, all, Array.from({ length: steps }, () => batch));
  if (steps === 1) return [all];
  const each = b.node("Split", [all], { axis: 0, num_outputs: steps }, { outputs: steps });
  const type = { dataType: b.dataType(d.x), dims: [batch, gates * d.hidden] };
  for (const name of each) b.declare(name, type);
  return each;
}

const bothBiases = ({ n, biases }: Direction) =>
  biases === undefined ? undefined : add(n.b, ...biases);

/** `h Rᵀ + x`, x where h is zero. */
function recurred(b: Builder, h: string | undefined, r: string, x: string): string {
  return h === undefined ? x : b.op("Gemm", [h, r, x], { transB: 1 });
}

/** Bounds what enters an activation, if the node says so. */
function clipper({ n }: Direction): (x: string) => string {
  const bound = n.float("clip", 0);
  if (bound < 0) n.refuse("unroll", `its clip is ${bound}`);
  const { b } = n;
  return bound === 0 ? (x) => x : (x) => b.op("Clip", [x, b.scalar(-bound, x), b.scalar(bound, x)]);
}

/** `Hₜ = f(Xₜ Wᵀ + Hₜ₋₁ Rᵀ + Wb + Rb)`. */
export const rnn: Cell = {
  opType: "RNN",
  gates: 1,
  outputs: 2,
  activations: ["Tanh"],
  begin: (d) => {
    const { b } = d.n;
    const [f] = d.activations;
    const clip = clipper(d);
    const x = projected(d, bothBiases(d), 1);
    return (t, { h }) => ({ h: f!(clip(recurred(b, h, d.r, x[t]!))) });
  },
};

/**
 * `zₜ = f(Xₜ Wzᵀ + Hₜ₋₁ Rzᵀ + Wbz + Rbz)`, `rₜ = f(Xₜ Wrᵀ + Hₜ₋₁ Rrᵀ + Wbr + Rbr)`,
 * `h̃ₜ = g(Xₜ Whᵀ + (rₜ∘Hₜ₋₁) Rhᵀ + Rbh + Wbh)`, or with linear_before_reset
 * `h̃ₜ = g(Xₜ Whᵀ + rₜ∘(Hₜ₋₁ Rhᵀ + Rbh) + Wbh)`; `Hₜ = (1 − zₜ)∘h̃ₜ + zₜ∘Hₜ₋₁`.
 */
export const gru: Cell = {
  opType: "GRU",
  gates: 3,
  outputs: 2,
  activations: ["Sigmoid", "Tanh"],
  begin: (d) => {
    const { b } = d.n;
    const { hidden } = d;
    const [f, g] = d.activations;
    const clip = clipper(d);
    const linear = d.n.int("linear_before_reset", 0) !== 0;
    const x = projected(d, linear ? d.biases?.[0] : bothBiases(d), 3);
    const apart = (value: string, axis: number) => parts(b, value, [2 * hidden, hidden], axis);
    const gates = (value: string) => parts(b, f!(clip(value)), [hidden, hidden], 1);
    const candidate = (value: string) => g!(clip(value));
    /** `h̃ + z∘(H − h̃)`. */
    const mixed = (z: string, fresh: string, h: string | undefined) =>
      h === undefined
        ? sub(b, fresh, mul(b, z, fresh))
        : add(b, fresh, mul(b, z, sub(b, h, fresh)));
    if (linear) {
      return (t, { h }) => {
        const [forGates, forCandidate] = apart(x[t]!, 1);
        const product = h === undefined
          ? d.biases?.[1]
          : b.op("Gemm", [h, d.r, d.biases?.[1]], { transB: 1 });
        const [more, hidden] = product === undefined ? [] : apart(product, -1);
        const [z, r] = gates(more === undefined ? forGates! : add(b, forGates!, more));
        const fresh = candidate(
          hidden === undefined ? forCandidate! : add(b, forCandidate!, mul(b, r!, hidden)),
        );
        return { h: mixed(z!, fresh, h) };
      };
    }
    const [forGates, forCandidate] = apart(d.r, 0);
    return (t, { h }) => {
      const [xg, xc] = apart(x[t]!, 1);
      const [z, r] = gates(recurred(b, h, forGates!, xg!));
      const reset = h === undefined ? undefined : mul(b, r!, h);
      return { h: mixed(z!, candidate(recurred(b, reset, forCandidate!, xc!)), h) };
    };
  },
};

/**
 * `iₜ = f(Xₜ Wiᵀ + Hₜ₋₁ Riᵀ + Pi∘Cₜ₋₁ + Wbi + Rbi)`, fₜ likewise (`1 − iₜ` with input_forget),
 * `Cₜ = fₜ∘Cₜ₋₁ + iₜ∘g(Xₜ Wcᵀ + Hₜ₋₁ Rcᵀ + Wbc + Rbc)`,
 * `oₜ = f(Xₜ Woᵀ + Hₜ₋₁ Roᵀ + Po∘Cₜ + Wbo + Rbo)`, `Hₜ = oₜ∘h(Cₜ)`. A clip bounds what enters f and g,
 * not what enters h: so ONNX Runtime reads the specification.
 */
export const lstm: Cell = {
  opType: "LSTM",
  gates: 4,
  outputs: 3,
  activations: ["Sigmoid", "Tanh", "Tanh"],
  begin: (d) => {
    const { b } = d.n;
    const { hidden, peepholes } = d;
    const [f, g, out] = d.activations;
    const clip = clipper(d);
    const coupled = d.n.int("input_forget", 0) !== 0;
    const x = projected(d, bothBiases(d), 4);
    const gate = (value: string) => f!(clip(value));
    /** The new cell state, of gates that were applied. */
    const cell = (i: string, forget: string, value: string, c: string | undefined) => {
      const taken = mul(b, i, g!(clip(value)));
      if (c === undefined) return taken;
      return add(b, mul(b, coupled ? sub(b, 1, i) : forget, c), taken);
    };
    if (peepholes === undefined) {
      return (t, { h, c }) => {
        const all = recurred(b, h, d.r, x[t]!);
        // One activation for three gates.
        const [gates, value] = parts(b, all, [3 * hidden, hidden], 1);
        const [i, o, forget] = parts(b, gate(gates!), [hidden, hidden, hidden], 1);
        const after = cell(i!, forget!, value!, c);
        return { h: mul(b, o!, out!(after)), c: after };
      };
    }
    const [pi, po, pf] = parts(b, peepholes, [hidden, hidden, hidden]);
    const seen = (value: string, p: string, c: string | undefined) =>
      gate(c === undefined ? value : add(b, value, mul(b, p, c)));
    return (t, { h, c }) => {
      const all = recurred(b, h, d.r, x[t]!);
      const [i, o, forget, value] = parts(b, all, [hidden, hidden, hidden, hidden], 1);
      const after = cell(seen(i!, pi!, c), seen(forget!, pf!, c), value!, c);
      return { h: mul(b, seen(o!, po!, after), out!(after)), c: after };
    };
  },
};
