import assert from "node:assert/strict";
import { normal, runModel, type Value } from "../_testing.ts";
import { buildModel } from "../model/build_model.ts";
import { DataType } from "../model/data_type.ts";
import { OnnxError } from "../model/onnx_error.ts";
import { lossGraph } from "./loss_graph.ts";
import { trainingGraph } from "./training_graph.ts";

const float = (v: Value): Value => ({ ...v, type: DataType.FLOAT });
const x = float(normal(1, [5, 3]));
const weights = Float32Array.from(normal(2, [3, 4]).data);

/** `y = x w`, and whatever the test appends. */
function linear(append: (m: ReturnType<typeof buildModel>) => string) {
  const m = buildModel();
  m.input("x", ["N", 3]);
  m.op("MatMul", ["x", m.parameter("w", [3, 4], weights)], {}, "y");
  m.output(append(m));
  return m.build();
}

const curvatureOf = async (
  graph: ReturnType<typeof trainingGraph>,
  feeds: Record<string, Value>,
) => (await runModel(graph.model, feeds))["w_curvature"]!.data;

Deno.test("A cross-entropy that the graph computes gives the sample of the one that is named", async () => {
  const labels = { dims: [5], data: [0, 3, 1, 2, 3], type: DataType.INT64 };
  const uniform = { dims: [5], data: [0.1, 0.9, 0.5, 0.3, 0.7], type: DataType.FLOAT };
  const own = trainingGraph(
    linear((m) => {
      m.input("labels", ["N"], DataType.INT64);
      return m.op("SoftmaxCrossEntropyLoss", ["y", "labels"], { reduction: "mean" }, "loss");
    }),
    { output: "loss", parameters: "constants", curvature: "gaussNewton" },
  );
  const named = trainingGraph(linear(() => "y"), {
    loss: { type: "crossEntropy" },
    parameters: "constants",
    curvature: "gaussNewton",
  });
  const feeds = { x, labels, uniform };
  assert.deepEqual(await curvatureOf(own, feeds), await curvatureOf(named, feeds));
});

Deno.test("A mean of squared differences, as exporters write it, is recognized", async () => {
  const labels = float(normal(3, [5, 4]));
  const uniform = {
    dims: [5, 4],
    data: normal(4, [5, 4]).data.map((v) => v > 0 ? 0.2 : 0.8),
    type: DataType.FLOAT,
  };
  const own = trainingGraph(
    linear((m) => {
      const difference = m.op("Sub", ["y", m.input("labels", ["N", 4])]);
      const two = m.parameter("two", [], Float32Array.of(2));
      return m.op("ReduceMean", [m.op("Pow", [difference, two])], { keepdims: 0 }, "loss");
    }),
    { output: "loss", trainable: ["w"], parameters: "constants", curvature: "gaussNewton" },
  );
  const named = trainingGraph(linear(() => "y"), {
    loss: { type: "mse" },
    parameters: "constants",
    curvature: "gaussNewton",
  });
  const feeds = { x, labels, uniform };
  assert.deepEqual(await curvatureOf(own, feeds), await curvatureOf(named, feeds));
});

Deno.test("Our own squared errors are recognized in the graph that holds them", async () => {
  const labels = float(normal(3, [5, 4]));
  const uniform = { dims: [5, 4], data: labels.data.map((v) => v > 0 ? 0.2 : 0.8), type: 1 };
  for (const batch of ["N", 5]) {
    for (const reduction of ["mean", "sum"] as const) {
      const m = buildModel();
      m.input("x", [batch, 3]);
      m.output(m.op("MatMul", ["x", m.parameter("w", [3, 4], weights)], {}, "y"));
      const options = { parameters: "constants", curvature: "gaussNewton" } as const;
      const named = trainingGraph(m.build(), { loss: { type: "mse", reduction }, ...options });
      const { model } = lossGraph(m.build(), {
        loss: { type: "mse", reduction },
        parameters: "constants",
      });
      const own = trainingGraph(model, { output: named.loss, trainable: ["w"], ...options });
      const feeds = { x, labels, uniform };
      assert.deepEqual(await curvatureOf(own, feeds), await curvatureOf(named, feeds));
    }
  }
});

Deno.test("A sum of squares over another number is refused", () => {
  const model = linear((m) => {
    const difference = m.op("Sub", ["y", m.input("labels", ["N", 4])]);
    const sum = m.op("ReduceSumSquare", [difference], { keepdims: 0 });
    return m.op("Div", [sum, m.parameter("ten", [], Float32Array.of(10))], {}, "loss");
  });
  const options = { output: "loss", trainable: ["w"], curvature: "gaussNewton" } as const;
  assert.throws(() => trainingGraph(model, options), /give the loss by name/);
});

Deno.test("A loss of another form is refused, not guessed", () => {
  const model = linear((m) => m.op("ReduceMean", [m.op("Exp", ["y"])], { keepdims: 0 }, "loss"));
  assert.throws(
    () =>
      trainingGraph(model, { output: "loss", parameters: "constants", curvature: "gaussNewton" }),
    (error: unknown) =>
      error instanceof OnnxError && error.message.includes("give the loss by name"),
  );
});
