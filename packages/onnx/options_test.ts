import assert from "node:assert/strict";
import {
  addLora,
  buildModel,
  DataType,
  differentiate,
  exportInferenceModel,
  fisherSample,
  gaussNewtonSample,
  generateArtifacts,
  hessianVectorProduct,
  legalize,
  loraInputs,
  lossGraph,
  makeTensor,
  mergeLora,
  perExampleSquares,
  readModel,
  toPeft,
  trainingGraph,
  writeModel,
} from "./mod.ts";

const m = buildModel();
const w = m.parameter("w", [3, 2], Float32Array.of(1, 2, 3, 4, 5, 6));
m.output(m.op("MatMul", [m.input("x", ["N", 3]), w], {}, "y"));
const model = m.build();
const loss = { type: "mse" };

// deno-lint-ignore no-explicit-any -- as JavaScript calls it
type Options = any;
type Refusal = readonly [call: (options: Options) => unknown, options: Options, message: RegExp];

const growing = { differentiate, hessianVectorProduct, gaussNewtonSample, fisherSample, lossGraph };
const refusals: readonly Refusal[] = [
  ...Object.values({ ...growing, perExampleSquares, trainingGraph }).flatMap((f): Refusal[] => [
    [
      (o) => f(model, o),
      { loss, trainabel: ["w"] },
      /"trainabel" is no option, did you mean trainable\? Options are loss, /,
    ],
    [
      (o) => f(model, o),
      { loss, outputs: "y" },
      /outputs must be a list of names, .* "y"; write \["y"\]/,
    ],
    [(o) => f(model, o), { loss, training: "yes" }, /training must be true or false/],
    [(o) => f(model, o), undefined, /options must be an object such as \{ loss: … \}/],
  ]),
  [
    (o) => differentiate(model, o),
    { loss, parameters: "constant" },
    /parameters must be "inputs" or "constants".*did you mean "constants"\?/,
  ],
  [(o) => differentiate(model, o), { loss, squares: true }, /"squares" is no option/],
  [(o) => trainingGraph(model, o), { loss, squares: 1 }, /squares must be true or false/],
  [
    (o) => perExampleSquares(model, o),
    { loss, reduction: "none" },
    /reduction must be "mean" or "sum"/,
  ],
  [
    (o) => legalize(model, "cpu", o),
    { size: { N: 3 } },
    /"size" is no option, did you mean sizes\?/,
  ],
  [(o) => legalize(model, "cpu", o), { sizes: { M: 3 } }, /no size .* "M", only N/],
  [
    (o) => generateArtifacts(model, o),
    { loss, optimizer: "adam" },
    /optimizer must be "adamw".*did you mean "adamw"\?/,
  ],
  [
    (o) => generateArtifacts(model, o),
    { loss, optimiser: "sgd" },
    /"optimiser" is no option, did you mean optimizer\?/,
  ],
  [(o) => generateArtifacts(model, o), { loss, frozen: "w" }, /frozen must be a list of names/],
  [
    (o) => exportInferenceModel(model, [], o),
    { output: ["y"] },
    /"output" is no option, did you mean outputs\?/,
  ],
  [
    (o) => readModel(writeModel(model), o),
    { externaldata: {} },
    /"externaldata" is no option, did you mean externalData\?/,
  ],
  [
    (o) => writeModel(model, o),
    { location: "w.data" },
    /"location" is no option; options are externalData/,
  ],
  [
    (o) => writeModel(model, o),
    { externalData: { location: "w", size: 0 } },
    /"size" is no option; options are location, threshold/,
  ],
  [(o) => addLora(model, o), { lora_alpha: 3 }, /"lora_alpha" is no option, did you mean alpha\?/],
  [(o) => mergeLora(model, o), { quantized: "drop" }, /quantized must be "refuse" or "keep"/],
  [(o) => loraInputs(model, o), { defaults: 0 }, /defaults must be true or false/],
  [(o) => trainingGraph(model, o), { loss, curvature: "hutchinsn" }, /mean "hutchinson"\?/],
  [(o) => legalize(model, o), "webpgu", /target must be "cpu", .*did you mean "webgpu"\?/],
  [(o) => writeModel(model, o), {}, /externalData must be given, but it is not given/],
  [(o) => generateArtifacts(model, o), undefined, /options must be an object such as/],
  [
    (o) => toPeft(model, o),
    { base_model: "bert" },
    /"base_model" is no option, did you mean baseModel\?/,
  ],
];

Deno.test("Options that there are not, and values of another kind, are refused by name", () => {
  for (const [call, options, message] of refusals) {
    assert.throws(() => call(options), (error: Error) => {
      assert.ok(["TypeError", "RangeError"].includes(error.name), String(error));
      assert.match(error.message, message);
      return true;
    });
  }
});

Deno.test("An option that is undefined is one that is not given", () => {
  const options: Options = { loss, output: undefined, wanted: undefined, training: undefined };
  const bytes = (given: Options) => writeModel(differentiate(model, given).model);
  assert.deepEqual(bytes(options), bytes({ loss }));
});

Deno.test("Values of a loss's options of another kind are refused by name", () => {
  const wrong: readonly (readonly [Options, RegExp])[] = [
    [{ type: "crossEntropy", labelSmoothing: "0.1" }, /labelSmoothing must be a number, .* "0.1"/],
    [{ type: "crossEntropy", axis: 0.5 }, /axis must be a whole number/],
    [{ type: "crossEntropy", ignoreIndex: "0" }, /ignoreIndex must be a whole number/],
    [{ type: "crossEntropy", weights: [1, NaN] }, /weights must be one number from 0 on/],
    [{ type: "crossEntropy", weights: [1, -1] }, /weights must be one number from 0 on/],
    [{ type: "huber", delta: "y" }, /delta must be a number/],
    [{ type: "distillation", temperature: "2" }, /temperature must be a number/],
    [{ type: "contrastive", symmetric: "no" }, /symmetric must be true or false/],
    [{ type: "triplet", margin: "1" }, /margin must be a number/],
    [{ type: "mse", lables: "y" }, /"lables" is no option, did you mean labels\?/],
    [{ type: "huber", detla: 1 }, /append the loss huber: .*did you mean delta\?/],
    [{ type: "mse", labels: "" }, /labels must be a string that is not empty/],
  ];
  for (const [given, message] of wrong) {
    assert.throws(() => differentiate(model, { loss: given }), message);
  }
});

Deno.test("A tensor is made of an array of its type alone", () => {
  assert.throws(() => makeTensor("i", DataType.INT32, [1], Float32Array.of(1)), {
    name: "OnnxError",
    message:
      'Cannot make tensor "i": elements of INT32 come in a Int32Array, given is Float32Array',
  });
  assert.deepEqual(makeTensor("h", DataType.FLOAT16, [1], Uint16Array.of(0x3c00)).dims, [1n]);
});

Deno.test("A builder refuses names, shapes and operator sets that a model cannot have", () => {
  const build = buildModel as (opset: unknown) => unknown;
  for (const opset of [6, 1.5, "18"]) assert.throws(() => build(opset), /from 7 to 99/);
  assert.throws(() => buildModel().input("", [1]), /Cannot add an input: its name is ""/);
  for (const dims of [[1.5], [-1], [""]]) {
    assert.throws(() => buildModel().input("x", dims), /"x": its shape must be whole numbers/);
  }
});
