/** A small decoder of characters, as a graph: embeddings, blocks of attention and MLP, a head. */
import { buildModel, DataType, type ModelProto } from "@precond/onnx";

export interface Sizes {
  readonly vocabulary: number;
  readonly length: number;
  readonly width: number;
  readonly heads: number;
  readonly layers: number;
}

/** Tokens `[N, length]` to logits `[N, length, vocabulary]`. */
export function makeGpt(sizes: Sizes, normal: () => number): ModelProto {
  const { vocabulary, length, width, heads, layers } = sizes;
  const m = buildModel(23); // Attention is an operator since
  const matrix = (name: string, rows: number, columns: number, scale = 1 / Math.sqrt(rows)) =>
    m.parameter(
      `${name}.weight`,
      [rows, columns],
      Float32Array.from({ length: rows * columns }, () => scale * normal()),
    );
  const vector = (name: string, value: number) =>
    m.parameter(name, [width], new Float32Array(width).fill(value));
  const linear = (x: string, name: string, rows: number, columns: number) =>
    m.op("MatMul", [x, matrix(name, rows, columns)]);
  const norm = (x: string, name: string) =>
    m.op("LayerNormalization", [x, vector(`${name}.weight`, 1), vector(`${name}.bias`, 0)]);

  const tokens = m.input("tokens", ["N", length], DataType.INT64);
  let x = m.op("Add", [
    m.op("Gather", [matrix("embed", vocabulary, width, 0.1), tokens]),
    matrix("positions", length, width, 0.1),
  ]);
  for (let k = 0; k < layers; k++) {
    const block = `blocks.${k}`;
    const h = norm(x, `${block}.norm1`);
    const [q, key, v] = ["query", "key", "value"].map((name) =>
      linear(h, `${block}.${name}`, width, width)
    );
    const mixed = m.op("Attention", [q!, key!, v!], {
      is_causal: 1,
      q_num_heads: heads,
      kv_num_heads: heads,
    });
    x = m.op("Add", [x, linear(mixed, `${block}.out`, width, width)]);
    const up = linear(norm(x, `${block}.norm2`), `${block}.up`, width, 4 * width);
    x = m.op("Add", [x, linear(m.op("Gelu", [up]), `${block}.down`, 4 * width, width)]);
  }
  m.output(
    m.op("MatMul", [norm(x, "norm"), matrix("head", width, vocabulary)], {}, "logits"),
  );
  return m.build();
}
