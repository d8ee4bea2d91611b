import { buildModel } from "../model/build_model.ts";
import { DataType } from "../model/data_type.ts";
import assert from "node:assert/strict";
import { differentiate } from "./differentiate.ts";
import type { Loss } from "./loss.ts";

/** `z = x w`, and what an operator makes of it. */
function model(opType: string, domain = "") {
  const m = buildModel();
  const w = m.parameter("w", [2, 3], new Float32Array(6));
  const z = m.op("MatMul", [m.input("x", ["N", 2]), w], {}, "z");
  m.node(opType, [z], ["y"], opType === "Cast" ? { to: DataType.INT64 } : {}, domain);
  m.output("y");
  return m.build();
}

Deno.test("Losses on logits refuse probabilities, and take the logits that they name", () => {
  const pairs: readonly [string, Loss["type"]][] = [
    ["Softmax", "crossEntropy"],
    ["Sigmoid", "binaryCrossEntropy"],
  ];
  for (const [operator, type] of pairs) {
    const refused = () => differentiate(model(operator), { loss: { type } as Loss });
    assert.throws(refused, {
      name: "OnnxError",
      message: `Cannot append ${type} to "y": it takes logits, and these are probabilities of ` +
        `${operator} "y/${operator}"; give its input as prediction: "z"`,
    });
    const named = { type, prediction: "z" } as Loss;
    assert.deepEqual(differentiate(model(operator), { loss: named }).parameters, ["w"]);
    // Squares of probabilities are a loss (Brier's).
    differentiate(model(operator), { loss: { type: "mse" } });
  }
});

Deno.test("A log-softmax of log-probabilities changes nothing: crossEntropy takes them", () => {
  const { labels } = differentiate(model("LogSoftmax"), { loss: { type: "crossEntropy" } });
  assert.deepEqual([...labels], [["labels", { classes: 3, ignoreIndex: undefined }]]);
});

Deno.test("What is not known to be a float value is refused by what makes it", () => {
  const loss: Loss = { type: "mse" };
  assert.throws(() => differentiate(model("Frobnicate", "com.acme"), { loss }), {
    name: "OnnxError",
    message: `Cannot append the loss to "y": its type is not known, it comes from Frobnicate ` +
      `"y/Frobnicate"`,
  });
  assert.throws(() => differentiate(model("Cast"), { loss }), {
    name: "OnnxError",
    message: `Cannot append the loss to "y": expected a float type, actual is INT64`,
  });
});
