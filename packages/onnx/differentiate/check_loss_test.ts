import { buildModel } from "../model/build_model.ts";
import { DataType } from "../model/data_type.ts";
import assert from "node:assert/strict";
import { differentiate } from "./differentiate.ts";
import { runModel } from "../_testing.ts";
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

Deno.test("A loss takes the output that it names, and refuses options that it does not have", async () => {
  const m = buildModel();
  const x = m.input("x", [2, 2]);
  const w = m.parameter("w", [2, 1], Float32Array.of(1, 2));
  m.output(m.op("MatMul", [x, w], {}, "first"));
  m.output(m.op("Mul", ["first", m.parameter("c", [1], Float32Array.of(3))], {}, "second"));
  const two = m.build();
  const at = async (loss: Loss) => {
    const { model, loss: name } = differentiate(two, { loss, parameters: "constants" });
    const zeros = { dims: [2, 1], data: [0, 0], type: DataType.FLOAT };
    const ones = { dims: [2, 2], data: [1, 0, 0, 1], type: DataType.FLOAT };
    return (await runModel(model, { x: ones, labels: zeros }))[name]!.data[0];
  };
  // first = [1, 2], second = [3, 6]
  assert.equal(await at({ type: "mse" }), 2.5);
  assert.equal(await at({ type: "mse", output: "second" }), 22.5);
  const grow = (loss: unknown) => () => differentiate(two, { loss: loss as Loss });
  assert.throws(grow({ type: "mse", output: "third" }), {
    name: "OnnxError",
    message: `Cannot append the loss: the model has no output "third", only "first", "second"`,
  });
  assert.throws(grow({ type: "mse", output: "first", prediction: "second" }), TypeError);
  for (
    const [loss, option] of [
      [{ type: "mse", axis: 1 }, "axis"],
      [{ type: "crossEntropy", delta: 1 }, "delta"],
      [{ type: "l1", outputs: "second" }, "outputs"],
    ] as const
  ) {
    assert.throws(grow(loss), {
      name: "TypeError",
      message: new RegExp(`^Cannot append the loss ${loss.type}: "${option}" is no option`),
    });
  }
  for (const type of ["crossEntropy", "binaryCrossEntropy"] as const) {
    // Both are of logits: saying so changes nothing, and the contrary is refused.
    const labels = { type, output: "second", fromLogits: true } as const;
    assert.deepEqual(
      differentiate(two, { loss: labels }).model.graph!.node,
      differentiate(two, { loss: { type, output: "second" } }).model.graph!.node,
    );
    assert.throws(grow({ ...labels, fromLogits: false }), {
      name: "TypeError",
      message:
        /of logits, fromLogits cannot be false; name the value before the Softmax or Sigmoid/,
    });
  }
  // As spread options are.
  grow({ type: "mse", output: undefined, delta: undefined })();
});
