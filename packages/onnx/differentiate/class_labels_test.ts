import { buildModel } from "../model/build_model.ts";
import { DataType } from "../model/data_type.ts";
import assert from "node:assert/strict";
import { differentiate } from "./differentiate.ts";
import { lossGraph } from "./loss_graph.ts";

/** Logits with these sizes, and a loss of the graph's own if labels are given. */
function model(
  dims: readonly (number | string)[],
  labels?: { readonly through?: string; readonly ignored?: number },
) {
  const m = buildModel();
  const z = m.op("Mul", [m.input("x", dims), m.parameter("w", [1], Float32Array.of(1))], {}, "z");
  m.output(z);
  if (labels === undefined) return m.build();
  const given = m.input("t", ["N"], DataType.INT64);
  const t = labels.through === undefined ? given : m.op(labels.through, [given]);
  const ignored = labels.ignored === undefined ? {} : { ignore_index: labels.ignored };
  m.output(m.op("SoftmaxCrossEntropyLoss", [z, t], ignored, "loss"));
  return m.build();
}

Deno.test("Labels of a loss that is appended have as many classes as its axis has entries", () => {
  const found = (dims: readonly (number | string)[], options = {}) => {
    const loss = { type: "crossEntropy", ...options } as const;
    const both = [differentiate, lossGraph].map((f) => [...f(model(dims), { loss }).labels]);
    assert.deepEqual(both[0], both[1]);
    return both[0];
  };
  const three = { classes: 3, ignoreIndex: undefined };
  assert.deepEqual(found(["N", 3]), [["labels", three]]);
  assert.deepEqual(found(["N", 3, 5]), [["labels", three]]);
  // Through a Reshape.
  assert.deepEqual(found(["N", "T", 3], { axis: -1 }), [["labels", three]]);
  assert.deepEqual(found(["N", 3], { labels: "t", ignoreIndex: -100, labelSmoothing: 0.1 }), [
    ["t", { classes: 3, ignoreIndex: -100 }],
  ]);
  assert.deepEqual(found(["N", "C"]), []);
});

Deno.test("Labels of a loss that the graph has are found, too", () => {
  const found = (labels: Parameters<typeof model>[1]) => [
    ...differentiate(model(["N", 3], labels), { output: "loss" }).labels,
  ];
  assert.deepEqual(found({}), [["t", { classes: 3, ignoreIndex: undefined }]]);
  assert.deepEqual(found({ through: "Identity", ignored: 7 }), [
    ["t", { classes: 3, ignoreIndex: 7 }],
  ]);
  // Other numbers than those that are fed.
  assert.deepEqual(found({ through: "Neg" }), []);
});

Deno.test("Other losses have no class labels", () => {
  const { labels } = differentiate(model(["N", 3]), { loss: { type: "mse" } });
  assert.equal(labels.size, 0);
});
