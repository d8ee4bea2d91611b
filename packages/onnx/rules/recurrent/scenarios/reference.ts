/**
 * LSTM, GRU and RNN in float64, one sequence and one number at a time: what the unrolled graphs are
 * compared with.
 *
 * @module
 */

/** A function of one number. */
export type Scalar = (x: number) => number;

/** What a recurrent node is given, elements in the order of ONNX (layout 0). */
export interface RecurrentInputs {
  readonly x: readonly number[];
  readonly w: readonly number[];
  readonly r: readonly number[];
  readonly b?: readonly number[] | undefined;
  readonly lengths?: readonly number[] | undefined;
  readonly h0?: readonly number[] | undefined;
  readonly c0?: readonly number[] | undefined;
  readonly p?: readonly number[] | undefined;
}

/** Sizes and attributes of a recurrent node. */
export interface RecurrentSettings {
  readonly opType: "LSTM" | "GRU" | "RNN";
  readonly time: number;
  readonly batch: number;
  readonly inputs: number;
  readonly hidden: number;
  readonly direction: "forward" | "reverse" | "bidirectional";
  /** Activations of each direction, one after another. */
  readonly functions: readonly Scalar[];
  readonly clip?: number | undefined;
  readonly inputForget?: boolean | undefined;
  readonly linearBeforeReset?: boolean | undefined;
}

/** Outputs Y, Y_h, Y_c; the last is empty but for LSTM. */
export type RecurrentOutputs = readonly [number[], number[], number[]];

const GATES = { LSTM: 4, GRU: 3, RNN: 1 } as const;

export function recurrentReference(s: RecurrentSettings, v: RecurrentInputs): RecurrentOutputs {
  const backs = { forward: [false], reverse: [true], bidirectional: [false, true] }[s.direction];
  const { time, batch, hidden } = s;
  const directions = backs.length;
  const y = new Array<number>(time * directions * batch * hidden).fill(0);
  const yh = new Array<number>(directions * batch * hidden).fill(0);
  const yc = s.opType === "LSTM" ? [...yh] : [];
  const each = s.functions.length / directions;
  for (let d = 0; d < directions; d++) {
    const functions = s.functions.slice(d * each, (d + 1) * each);
    for (let n = 0; n < batch; n++) {
      const at = (d * batch + n) * hidden;
      let h = Array.from({ length: hidden }, (_, j) => v.h0?.[at + j] ?? 0);
      let c = Array.from({ length: hidden }, (_, j) => v.c0?.[at + j] ?? 0);
      const length = v.lengths?.[n] ?? time;
      for (let k = 0; k < length; k++) {
        const t = backs[d] ? length - 1 - k : k;
        [h, c] = cell(s, v, functions, { d, x: (i) => v.x[(t * batch + n) * s.inputs + i]!, h, c });
        h.forEach((value, j) => y[((t * directions + d) * batch + n) * hidden + j] = value);
      }
      if (length === 0) continue;
      h.forEach((value, j) => yh[at + j] = value);
      if (s.opType === "LSTM") c.forEach((value, j) => yc[at + j] = value);
    }
  }
  return [y, yh, yc];
}

interface Place {
  readonly d: number;
  readonly x: (i: number) => number;
  readonly h: number[];
  readonly c: number[];
}

function cell(
  s: RecurrentSettings,
  v: RecurrentInputs,
  [f, g, out]: readonly Scalar[],
  { d, x, h, c }: Place,
): [number[], number[]] {
  const { hidden: H, inputs: I } = s;
  const G = GATES[s.opType];
  const units = Array.from({ length: H }, (_, j) => j);
  const bounded = (value: number) =>
    s.clip === undefined ? value : Math.min(s.clip, Math.max(-s.clip, value));
  const fromX = (gate: number, j: number) => {
    let sum = v.b?.[d * 2 * G * H + gate * H + j] ?? 0;
    for (let i = 0; i < I; i++) sum += v.w[((d * G + gate) * H + j) * I + i]! * x(i);
    return sum;
  };
  const fromH = (gate: number, j: number, state = h) => {
    let sum = v.b?.[d * 2 * G * H + (G + gate) * H + j] ?? 0;
    for (let i = 0; i < H; i++) sum += v.r[((d * G + gate) * H + j) * H + i]! * state[i]!;
    return sum;
  };
  const gate = (k: number, j: number, more = 0) => f!(bounded(fromX(k, j) + fromH(k, j) + more));
  if (s.opType === "RNN") return [units.map((j) => gate(0, j)), c];
  if (s.opType === "GRU") {
    const z = units.map((j) => gate(0, j));
    const r = units.map((j) => gate(1, j));
    const reset = units.map((j) => r[j]! * h[j]!);
    const fresh = units.map((j) =>
      g!(bounded(fromX(2, j) + (s.linearBeforeReset ? r[j]! * fromH(2, j) : fromH(2, j, reset))))
    );
    return [units.map((j) => (1 - z[j]!) * fresh[j]! + z[j]! * h[j]!), c];
  }
  const p = (k: number, j: number) => v.p?.[(d * 3 + k) * H + j] ?? 0;
  const i = units.map((j) => gate(0, j, p(0, j) * c[j]!));
  const forget = units.map((j) => s.inputForget ? 1 - i[j]! : gate(2, j, p(2, j) * c[j]!));
  const after = units.map((j) =>
    forget[j]! * c[j]! + i[j]! * g!(bounded(fromX(3, j) + fromH(3, j)))
  );
  const o = units.map((j) => gate(1, j, p(1, j) * after[j]!));
  return [units.map((j) => o[j]! * out!(after[j]!)), after];
}
