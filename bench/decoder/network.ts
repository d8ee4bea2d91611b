/** @module */
import { DataType, type ModelBuilder } from "@precond/onnx";

/** Sizes of {@linkcode decoder}. */
export interface DecoderSizes {
  readonly layers: number;
  readonly width: number;
  readonly heads: number;
  /** Heads of keys and values, each shared by several of the queries. */
  readonly sharedHeads: number;
  readonly hidden: number;
  readonly vocabulary: number;
  readonly length: number;
}

/** The sizes of SmolLM2-135M. */
export const smol: Omit<DecoderSizes, "length"> = {
  layers: 30,
  width: 576,
  heads: 9,
  sharedHeads: 3,
  hidden: 1536,
  vocabulary: 49152,
};

/** Numbers in ±1 that repeat after 2²⁰: enough that no two rows of a weight are alike. */
function noise(): (count: number, scale: number) => Float32Array {
  const table = new Float32Array(2 ** 20);
  let state = 1;
  table.forEach((_, k) => {
    state = state * 16807 % 2147483647;
    table[k] = 2 * state / 2147483647 - 1;
  });
  let at = 0;
  return (count, scale) =>
    new Float32Array(count).map(() => scale * table[at = (at + 1) % table.length]!);
}

/**
 * A decoder as Llama's: RMS norm, rotary positions, shared heads of keys and values, SwiGLU, and a head
 * that is the embedding: "tokens" [N, length] to "logits" [N, length, vocabulary]. Weights are random.
 */
export function decoder(m: ModelBuilder, sizes: DecoderSizes): void {
  const { layers, width, heads, sharedHeads, hidden, vocabulary, length } = sizes;
  const size = width / heads;
  const draw = noise();
  const floats = (name: string, dims: readonly number[], values: readonly number[]) =>
    m.parameter(name, dims, Float32Array.from(values));
  const ints = (name: string, values: readonly number[]) =>
    m.parameter(name, [values.length], BigInt64Array.from(values, BigInt));
  const weight = (name: string, rows: number, columns: number) =>
    m.parameter(name, [rows, columns], draw(rows * columns, Math.sqrt(3 / rows)));
  const one = (name: string) => m.parameter(name, [width], new Float32Array(width).fill(1));

  const epsilon = floats("epsilon", [], [1e-5]);
  const two = floats("two", [], [2]);
  const scale = floats("scale", [], [1 / Math.sqrt(size)]);
  const last = ints("last", [-1]);
  const shapes = {
    query: ints("shape.query", [0, length, heads, size]),
    shared: ints("shape.shared", [0, length, sharedHeads, size]),
    grouped: ints("shape.grouped", [0, sharedHeads, 1, length, size]),
    copied: ints("shape.copied", [1, 1, heads / sharedHeads, 1, 1]),
    all: ints("shape.all", [0, heads, length, size]),
    joined: ints("shape.joined", [0, length, width]),
    rows: ints("shape.rows", [-1, width]),
    logits: ints("shape.logits", [-1, length, vocabulary]),
  };
  const [zero, half, end] = [ints("zero", [0]), ints("half", [size / 2]), ints("end", [size])];
  const angles = (f: (x: number) => number) =>
    Array.from({ length: length * size }, (_, k) => {
      const [position, place] = [Math.floor(k / size), k % (size / 2)];
      return f(position * 100000 ** (-2 * place / size));
    });
  const cos = floats("rotary.cos", [length, size], angles(Math.cos));
  const sin = floats("rotary.sin", [length, size], angles(Math.sin));
  const mask = floats(
    "mask",
    [length, length],
    Array.from(
      { length: length * length },
      (_, k) => k % length > Math.floor(k / length) ? -1e9 : 0,
    ),
  );

  const norm = (name: string, x: string) => {
    const mean = m.op("ReduceMean", [m.op("Pow", [x, two]), last], { keepdims: 1 });
    const root = m.op("Sqrt", [m.op("Add", [mean, epsilon])]);
    return m.op("Mul", [m.op("Div", [x, root]), one(`${name}.weight`)]);
  };
  const linear = (name: string, x: string, from: number, to: number) =>
    m.op("MatMul", [x, weight(`${name}.weight`, from, to)]);
  const rotated = (x: string) => {
    const [left, right] = [
      m.op("Slice", [x, zero, half, last]),
      m.op("Slice", [x, half, end, last]),
    ];
    const turned = m.op("Concat", [m.op("Neg", [right]), left], { axis: -1 });
    return m.op("Add", [m.op("Mul", [x, cos]), m.op("Mul", [turned, sin])]);
  };
  const split = (x: string, shape: string) =>
    m.op("Transpose", [m.op("Reshape", [x, shape])], { perm: [0, 2, 1, 3] });
  const shared = (x: string) =>
    m.op("Reshape", [
      m.op("Expand", [m.op("Reshape", [x, shapes.grouped]), shapes.copied]),
      shapes.all,
    ]);

  const embedding = m.parameter(
    "model.embed_tokens.weight",
    [vocabulary, width],
    draw(vocabulary * width, 0.05),
  );
  let h = m.op("Gather", [embedding, m.input("tokens", ["N", length], DataType.INT64)]);
  for (let k = 0; k < layers; k++) {
    const n = `model.layers.${k}`;
    const x = norm(`${n}.input_layernorm`, h);
    const part = (name: string, count: number, shape: string) =>
      split(linear(`${n}.self_attn.${name}`, x, width, count * size), shape);
    const q = rotated(part("q_proj", heads, shapes.query));
    const keys = shared(rotated(part("k_proj", sharedHeads, shapes.shared)));
    const values = shared(part("v_proj", sharedHeads, shapes.shared));
    const product = m.op("MatMul", [q, m.op("Transpose", [keys], { perm: [0, 1, 3, 2] })]);
    const scores = m.op("Add", [m.op("Mul", [product, scale]), mask]);
    const mixed = m.op("MatMul", [m.op("Softmax", [scores], { axis: -1 }), values]);
    const joined = m.op("Reshape", [
      m.op("Transpose", [mixed], { perm: [0, 2, 1, 3] }),
      shapes.joined,
    ]);
    h = m.op("Add", [h, linear(`${n}.self_attn.o_proj`, joined, width, width)]);
    const y = norm(`${n}.post_attention_layernorm`, h);
    const gate = linear(`${n}.mlp.gate_proj`, y, width, hidden);
    const silu = m.op("Mul", [gate, m.op("Sigmoid", [gate])]);
    const gated = m.op("Mul", [silu, linear(`${n}.mlp.up_proj`, y, width, hidden)]);
    h = m.op("Add", [h, linear(`${n}.mlp.down_proj`, gated, hidden, width)]);
  }
  const rows = m.op("Reshape", [norm("model.norm", h), shapes.rows]);
  const logits = m.op("Gemm", [rows, embedding], { transB: 1 });
  m.output(m.op("Reshape", [logits, shapes.logits], {}, "logits"));
}
