/**
 * A BERT of two layers with random weights and a vocabulary of its own: for tests, which have no model.
 *
 * @module
 */
import { buildModel, DataType, type ModelProto } from "@precond/onnx";

const SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];
const WIDTH = 32, HEADS = 4, LAYERS = 2;

/** A tokenizer.json: every letter, and every word of the sentences that is there more than once. */
export function tinyTokenizer(sentences: readonly string[]): string {
  const words = sentences.flatMap((text) =>
    text.toLowerCase().match(/[a-z]+|\d|[^\sa-z\d]/g) ?? []
  );
  const often = words.filter((word, i) => words.indexOf(word) < i);
  const characters = [...new Set(words.join(""))];
  const pieces = [...SPECIAL, ...characters, ...characters.map((c) => `##${c}`), ...often];
  const vocab = Object.fromEntries([...new Set(pieces)].map((piece, id) => [piece, id]));
  const special = (id: string) => ({ SpecialToken: { id, type_id: 0 } });
  return JSON.stringify({
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: SPECIAL.map((content, id) => ({
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: { type: "BertNormalizer", lowercase: true, strip_accents: null },
    pre_tokenizer: { type: "BertPreTokenizer" },
    post_processor: {
      type: "TemplateProcessing",
      single: [special("[CLS]"), { Sequence: { id: "A", type_id: 0 } }, special("[SEP]")],
      pair: [],
      special_tokens: Object.fromEntries(
        ["[CLS]", "[SEP]"].map((id) => [id, { id, ids: [vocab[id]], tokens: [id] }]),
      ),
    },
    decoder: { type: "WordPiece", prefix: "##", cleanup: true },
    model: {
      type: "WordPiece",
      unk_token: "[UNK]",
      continuing_subword_prefix: "##",
      max_input_chars_per_word: 100,
      vocab,
    },
  });
}

/** The encoder, in operators as exporters write them. */
export function tinyEncoder(
  { vocabulary, positions }: { readonly vocabulary: number; readonly positions: number },
): ModelProto {
  const m = buildModel(17);
  let state = 1;
  const uniform = () => (state = (state * 48271) % 2147483647) / 2147483647;
  const normal = () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
  const random = (name: string, rows: number, columns: number, scale: number) =>
    m.parameter(
      name,
      [rows, columns],
      Float32Array.from({ length: rows * columns }, () => scale * normal()),
    );
  const vector = (name: string, size: number, value: number) =>
    m.parameter(name, [size], new Float32Array(size).fill(value));
  const linear = (x: string, name: string, rows: number, columns: number) =>
    m.op("Add", [
      m.op("MatMul", [x, random(`${name}.weight`, rows, columns, 1 / Math.sqrt(rows))]),
      vector(`${name}.bias`, columns, 0),
    ]);
  const norm = (x: string, name: string) =>
    m.op("LayerNormalization", [
      x,
      vector(`${name}.weight`, WIDTH, 1),
      vector(`${name}.bias`, WIDTH, 0),
    ]);
  const ints = (name: string, ...values: number[]) =>
    m.parameter(name, [values.length], BigInt64Array.from(values, BigInt));
  const scalar = (name: string, value: number) => m.parameter(name, [], Float32Array.of(value));

  const dims = ["batch", "sequence"];
  const [ids, mask, types] = ["input_ids", "attention_mask", "token_type_ids"].map((name) =>
    m.input(name, dims, DataType.INT64)
  ) as [string, string, string];
  const [zero, one, two] = [ints("zero", 0), ints("one", 1), ints("two", 2)];
  const all = m.parameter(
    "position_ids",
    [1, positions],
    BigInt64Array.from({ length: positions }, (_, k) => BigInt(k)),
  );
  const length = m.op("Slice", [m.op("Shape", [ids]), one, two, zero]);
  const places = m.op("Slice", [all, zero, length, one]);
  const table = (name: string, rows: number, at: string) =>
    m.op("Gather", [random(`embeddings.${name}_embeddings.weight`, rows, WIDTH, 1), at]);
  let x = norm(
    m.op("Add", [
      m.op("Add", [table("word", vocabulary, ids), table("token_type", 2, types)]),
      m.op("Mul", [table("position", positions, places), scalar("calm", 0.1)]),
    ]),
    "embeddings.LayerNorm",
  );
  const open = m.op("Unsqueeze", [
    m.op("Cast", [mask], { to: DataType.FLOAT }),
    ints("heads", 1, 2),
  ]);
  const bias = m.op("Mul", [
    m.op("Sub", [scalar("open", 1), open]),
    scalar("closed", -3.4028234663852886e38),
  ]);
  const split = ints("split", 0, 0, HEADS, WIDTH / HEADS), joined = ints("joined", 0, 0, WIDTH);
  for (let k = 0; k < LAYERS; k++) {
    const layer = `encoder.layer.${k}`;
    const [q, key, v] = ["query", "key", "value"].map((name) =>
      m.op("Reshape", [linear(x, `${layer}.attention.self.${name}`, WIDTH, WIDTH), split])
    );
    const scores = m.op("Div", [
      m.op("MatMul", [
        m.op("Transpose", [q!], { perm: [0, 2, 1, 3] }),
        m.op("Transpose", [key!], { perm: [0, 2, 3, 1] }),
      ]),
      scalar(`root.${k}`, Math.sqrt(WIDTH / HEADS)),
    ]);
    const mixed = m.op("MatMul", [
      m.op("Softmax", [m.op("Add", [scores, bias])], { axis: -1 }),
      m.op("Transpose", [v!], { perm: [0, 2, 1, 3] }),
    ]);
    const back = m.op("Reshape", [m.op("Transpose", [mixed], { perm: [0, 2, 1, 3] }), joined]);
    const attended = linear(back, `${layer}.attention.output.dense`, WIDTH, WIDTH);
    x = norm(m.op("Add", [attended, x]), `${layer}.attention.output.LayerNorm`);
    const up = linear(x, `${layer}.intermediate.dense`, WIDTH, 4 * WIDTH);
    const halves = m.op("Add", [
      m.op("Erf", [m.op("Div", [up, scalar(`root2.${k}`, Math.SQRT2)])]),
      scalar(`rise.${k}`, 1),
    ]);
    const gelu = m.op("Mul", [m.op("Mul", [up, halves]), scalar(`half.${k}`, 0.5)]);
    const down = linear(gelu, `${layer}.output.dense`, 4 * WIDTH, WIDTH);
    const last = m.op("Add", [down, x]);
    const name = `${layer}.output.LayerNorm`;
    x = k < LAYERS - 1 ? norm(last, name) : m.op(
      "LayerNormalization",
      [
        last,
        vector(`${name}.weight`, WIDTH, 1),
        vector(`${name}.bias`, WIDTH, 0),
      ],
      {},
      "last_hidden_state",
    );
  }
  m.output(x);
  return m.build();
}
