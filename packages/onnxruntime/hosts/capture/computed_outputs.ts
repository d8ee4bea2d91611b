/** @module */
import type { ModelProto, NodeProto } from "@precond/onnx";

/** Operators that give their input another shape, or none. */
const views = new Set(["Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity"]);

/**
 * The model with outputs that are all computed. A view as an output is made by a copy of a buffer,
 * which ONNX Runtime 1.30 does not record: replayed, it would stay what it was in the first run.
 * Negated twice it is computed, and the same number.
 */
export function withComputedOutputs(model: ModelProto): ModelProto {
  const graph = model.graph!;
  const outputs = new Set(graph.output.map(({ name }) => name));
  const node = graph.node.flatMap((made) => {
    const name = made.output.find((output) => outputs.has(output));
    if (name === undefined || !views.has(made.opType)) return [made];
    const [view, negative] = [`${name}_view`, `${name}_negative`];
    const negate = (from: string, to: string): NodeProto => ({
      ...made,
      name: "",
      opType: "Neg",
      attribute: [],
      input: [from],
      output: [to],
    });
    return [{ ...made, output: [view] }, negate(view, negative), negate(negative, name)];
  });
  return { ...model, graph: { ...graph, node } };
}
