/**
 * A sentence's embedding as an output of a model: a unit vector, whatever the export ends in.
 *
 * @module
 */
import { DataType, extendModel, type ModelProto } from "@precond/onnx";

/** Name of the output that {@linkcode withEmbedding} adds. */
export const EMBEDDING = "unit_embedding";

interface Candidate {
  readonly name: string;
  readonly dims: readonly (number | string)[];
  readonly isFloat: boolean;
}

/**
 * The model with one more output, `[batch, width]` of length 1: from `output`, or from the first that is
 * one float vector a sentence, or else one a token, whose mean over the tokens of the attention mask it
 * is then. Between vectors of length 1 the cosine is the product.
 *
 * @throws {RangeError} For a model without such an output.
 */
export function withEmbedding(model: ModelProto, output?: string): ModelProto {
  const m = extendModel(model);
  const outputs = model.graph!.output.map(({ name }): Candidate => ({
    name,
    dims: m.dims(name) ?? [],
    isFloat: m.dataType(name) === DataType.FLOAT,
  }));
  const listed = outputs.map(({ name, dims, isFloat }) =>
    `"${name}" (${isFloat ? "float32" : "not float32"} [${
      dims.map((size) => /unknown/.test(`${size}`) ? "?" : size).join(", ")
    }])`
  ).join(", ");
  if (output !== undefined && !outputs.some(({ name }) => name === output)) {
    throw new RangeError(
      `Cannot take the embedding: the model has no output "${output}", only ${listed}`,
    );
  }
  const usable = outputs.filter(({ name, isFloat }) => isFloat && (output ?? name) === name);
  const found = usable.find(({ dims }) => dims.length === 2) ??
    usable.find(({ dims }) => dims.length === 3);
  if (found === undefined) {
    throw new RangeError(
      `Cannot take the embedding: expected an output of floats [batch, width] or [batch, tokens, ` +
        `width], the model has ${listed}; export the encoder with its pooling or its last hidden state`,
    );
  }
  const axis = (k: number) => m.parameter(`embedding_axis_${k}`, [1], BigInt64Array.of(BigInt(k)));
  const last = axis(1);
  let x = found.name;
  if (found.dims.length === 3) {
    const mask = m.op("Cast", ["attention_mask"], { to: DataType.FLOAT });
    // The sum over the tokens: what it is to be divided by goes out of a unit vector.
    const sum = m.op("MatMul", [m.op("Unsqueeze", [mask, last]), x]);
    x = m.op("Squeeze", [sum, last]);
  }
  const squares = m.op("ReduceSum", [m.op("Mul", [x, x]), last], { keepdims: 1 });
  const least = m.parameter("embedding_least", [], Float32Array.of(1e-12));
  m.output(m.op("Div", [x, m.op("Sqrt", [m.op("Add", [squares, least])])], {}, EMBEDDING));
  return m.build();
}
