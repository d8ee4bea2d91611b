import assert from "node:assert/strict";
import { compare, currentOrt, makeModel, makeNode, normal, runModel } from "../_testing.ts";
import { exportInferenceModel } from "../artifacts/export_inference_model.ts";
import { readOnnxAdapter, writeOnnxAdapter } from "../artifacts/onnx_adapter.ts";
import { DataType } from "../model/data_type.ts";
import { writeModel } from "../model/read_model.ts";
import { makeTensor, tensorData, tensorDims } from "../model/tensor.ts";
import type { ModelProto } from "../proto/onnx_pb.ts";
import { floats, trained } from "./_testing.ts";
import { addLora, type LoraOptions } from "./add_lora.ts";
import { loraInputs, loraTensors } from "./lora_inputs.ts";
import { fromPeft, toPeft } from "./peft.ts";

const ids = { dims: [1, 4], data: [0, 3, 2, 1], type: DataType.INT64 };

/** An embedding, a convolution over it, two linear layers; modules inside of `prefix`. */
function network(prefix = ""): ModelProto {
  return makeModel({
    nodes: [
      makeNode("Gather", [`${prefix}emb.weight`, "ids"], ["e"]),
      makeNode("Conv", ["e", `${prefix}conv.weight`], ["c"], { pads: [1, 1] }),
      makeNode("MatMul", ["c", `${prefix}up.weight`], ["u"]),
      makeNode("Tanh", ["u"], ["t"]),
      makeNode("MatMul", ["t", `${prefix}down.weight`], ["y"]),
    ],
    inputs: { ids },
    initializers: {
      [`${prefix}emb.weight`]: floats(2, [5, 6]),
      [`${prefix}conv.weight`]: floats(3, [4, 4, 3]),
      [`${prefix}up.weight`]: floats(4, [6, 7]),
      [`${prefix}down.weight`]: floats(5, [7, 3]),
    },
    outputs: ["y"],
  });
}

const adapted = (options: LoraOptions = {}, prefix = "") =>
  addLora(network(prefix), { targets: /./, rank: 2, alpha: 6, ...options });
const run = async (model: ModelProto) => (await runModel(model, { ids })).y!.data;

Deno.test("PEFT's names, shapes and configuration, and back", () => {
  const model = trained(adapted({ dropout: 0.25 }), 3);
  const { tensors, config } = toPeft(model, { prefix: "bert", taskType: "FEATURE_EXTRACTION" });
  assert.deepEqual(tensors.map(({ name, dims }) => `${name} ${dims}`), [
    "base_model.model.bert.emb.lora_embedding_A 2,5",
    "base_model.model.bert.emb.lora_embedding_B 6,2",
    "base_model.model.bert.conv.lora_A.weight 2,4,3",
    "base_model.model.bert.conv.lora_B.weight 4,2,1",
    "base_model.model.bert.up.lora_A.weight 2,6",
    "base_model.model.bert.up.lora_B.weight 7,2",
    "base_model.model.bert.down.lora_A.weight 2,7",
    "base_model.model.bert.down.lora_B.weight 3,2",
  ]);
  const { r, lora_alpha, lora_dropout, target_modules, task_type } = config;
  assert.deepEqual({ r, lora_alpha, lora_dropout, target_modules, task_type }, {
    r: 2,
    lora_alpha: 6,
    lora_dropout: 0.25,
    target_modules: ["bert.emb", "bert.conv", "bert.up", "bert.down"],
    task_type: "FEATURE_EXTRACTION",
  });
  // Element [k, i] of PyTorch's A is [i, k] of ours.
  const ours = loraTensors(model).find(({ name }) => name === "up.lora_A.weight")!;
  const a = tensorData(ours) as Float32Array;
  const theirs = tensorData(tensors[4]!) as Float32Array;
  assert.equal(theirs[1 * 6 + 4], a[4 * 2 + 1]);
  const back = fromPeft(adapted(), { tensors, config });
  assert.deepEqual(back.map((t) => [t.name, tensorDims(t), [...tensorData(t) as Float32Array]]), [
    ...loraTensors(model).map((t) => [t.name, tensorDims(t), [...tensorData(t) as Float32Array]]),
  ]);
  // The other way round: the file has the shorter names.
  const inner = fromPeft(adapted({}, "bert."), toPeft(model));
  assert.equal(inner[0]!.name, "bert.emb.lora_embedding_A");
});

Deno.test("Another rank and another alpha compute the same, and can be trained on", async () => {
  const model = trained(adapted(), 3);
  const expected = await run(model);
  for (const options of [{ rank: 5, alpha: 1 }, { rank: 3, alpha: 9 }]) {
    const larger = adapted(options);
    const values = fromPeft(larger, toPeft(model));
    const found = exportInferenceModel(larger, values);
    compare(await run(found), expected, 2e-6, JSON.stringify(options));
    // B's further rows are zero, A's further columns are not: its gradient is not zero.
    const b = tensorData(values.find(({ name }) => name === "up.lora_B.weight")!) as Float32Array;
    assert.ok([...b.subarray(2 * 7)].every((v) => v === 0));
    const a = tensorData(values.find(({ name }) => name === "up.lora_A.weight")!) as Float32Array;
    assert.ok(a.every((v) => v !== 0));
  }
  const { tensors, config } = toPeft(model);
  // alpha/√r: 6/√2 instead of 6/2 is what B must make up for.
  const stable = fromPeft(adapted(), { tensors, config: { ...config, use_rslora: true } });
  const plain = fromPeft(adapted(), { tensors, config });
  const of = (list: typeof plain) => [...tensorData(list[5]!) as Float32Array];
  compare(of(stable), of(plain).map((v) => v * Math.SQRT2), 1e-6, "rslora");
  const patterned = {
    ...config,
    // "p" is no part of the name "up".
    rank_pattern: { p: 1, up: 2 },
    r: 4,
    lora_alpha: 12,
    alpha_pattern: { "u.": 12 },
  };
  compare(
    of(fromPeft(adapted(), { tensors, config: patterned })),
    of(plain).map((v) => 2 * v),
    1e-6,
    "",
  );
});

Deno.test("fromPeft() refuses what would compute something else", () => {
  const model = adapted();
  const file = toPeft(trained(model, 3));
  const refuse = (change: Partial<typeof file>, error: RegExp, of = model) =>
    assert.throws(() => fromPeft(of, { ...file, ...change }), error);
  const { tensors, config } = file;
  refuse(
    { tensors: tensors.slice(2) },
    /only the model has "emb"; add adapters with the file's modules/,
  );
  refuse(
    { tensors: [...tensors, { ...tensors[4]!, name: "base_model.model.x.lora_A.weight" }] },
    /only the file has "x"/,
  );
  refuse({ tensors: tensors.slice(1) }, /"emb" has no lora_embedding_A/);
  refuse({ tensors: [{ ...tensors[0]!, name: "emb.weight" }] }, /"emb\.weight" is not of LoRA/);
  refuse({ config: { ...config, use_dora: true } }, /it is DoRA's/);
  refuse({ config: { ...config, bias: "all" } }, /it trained biases/);
  refuse({ config: { ...config, modules_to_save: ["head"] } }, /it holds whole modules, head/);
  refuse({ config: { ...config, peft_type: "IA3" } }, /its peft_type is IA3/);
  const without = Object.fromEntries(Object.entries(config).filter(([k]) => k !== "lora_alpha"));
  refuse({ config: without as typeof config }, /says rank 2 and alpha undefined of "emb"/);
  refuse({ config: { ...config, r: 0 } }, /says rank 0 and alpha 6/);
  refuse(
    { config: { ...config, rank_pattern: { "(?P<name>up)": 2 } } },
    /"\(\?P<name>up\)" in its rank_pattern is no regular expression/,
  );
  refuse({}, /the model's adapter of "emb" has \[5,1\]; add it with rank 2/, adapted({ rank: 1 }));
  refuse({}, /the model has none; add them by addLora\(\)/, network());
  assert.throws(() => toPeft(network()), /the model has none/);
});

Deno.test("One session serves several adapters, which are inputs", async () => {
  const [one, two] = [trained(adapted(), 3), trained(adapted(), 4)];
  const ort = currentOrt();
  const session = await ort.InferenceSession.create(
    writeModel(loraInputs(one, { defaults: false })),
  );
  const x = { ids: new ort.Tensor("int64", BigInt64Array.from(ids.data, BigInt), ids.dims) };
  const feedsOf = (model: ModelProto) =>
    Object.fromEntries(
      loraTensors(model).map((t) => [
        t.name,
        new ort.Tensor("float32", tensorData(t) as Float32Array, tensorDims(t)),
      ]),
    );
  for (const model of [one, two, one]) {
    const { y } = await session.run({ ...x, ...feedsOf(model) });
    compare(Array.from(y!.data, Number), await run(model), 1e-6, "swapped");
  }
  await session.release();
  // With its own values as defaults the model runs as it is.
  compare(await run(loraInputs(two)), await run(two), 1e-6, "defaults");
  assert.throws(() => loraInputs(network()), /the model has none/);
});

Deno.test("An adapter file of ONNX Runtime is read as it was written", () => {
  const parameters = [
    makeTensor("a", DataType.FLOAT, [2, 3], Float32Array.from(normal(1, [6]).data)),
    makeTensor("ü.b", DataType.FLOAT16, [3], Uint16Array.of(1, 2, 3)),
    makeTensor("empty", DataType.INT64, [0, 4], new BigInt64Array(0)),
    makeTensor("scalar", DataType.DOUBLE, [], Float64Array.of(Math.PI)),
  ];
  const bytes = writeOnnxAdapter({ parameters, adapterVersion: 7 });
  const read = readOnnxAdapter(bytes);
  assert.deepEqual([read.adapterVersion, read.modelVersion], [7, 1]);
  const contents = (list: typeof parameters) =>
    list.map((t) => [t.name, t.dataType, tensorDims(t), [...tensorData(t) as Float32Array]]);
  assert.deepEqual(contents([...read.parameters]), contents(parameters));
  for (let length = 0; length < bytes.length; length += 3) {
    assert.throws(() => readOnnxAdapter(bytes.slice(0, length)), { name: "OnnxError" });
  }
  assert.throws(
    () => writeOnnxAdapter({ parameters: [parameters[0]!, parameters[0]!] }),
    /"a" is given twice/,
  );
});

// What onnxruntime 1.32's Python wrote: AdapterFormat with b = [0, 1] and x.A = [[0, 1, 2], [3, 4, 5]].
Deno.test("An adapter file that ONNX Runtime wrote is read", () => {
  const bytes = Uint8Array.fromHex(
    "0c000000544f525400000000acffffff010000000100000002000000040000000200000048000000040000" +
      "00ccffffff280000001800000001000000040000000800000000000000" +
      "0000803f01000000020000000000000001000000620000000c00140004000800" +
      "0c0010000c0000004000000028000000010000000400000018000000" +
      "000000000000803f0000004000004040000080400000a04002000000" +
      "02000000000000000300000000000000" + "03000000782e4100",
  );
  const { parameters, adapterVersion, modelVersion } = readOnnxAdapter(bytes);
  assert.deepEqual([adapterVersion, modelVersion], [1, 2]);
  assert.deepEqual(
    parameters.map((t) => [t.name, tensorDims(t), [...tensorData(t) as Float32Array]]),
    [["x.A", [2, 3], [0, 1, 2, 3, 4, 5]], ["b", [2], [0, 1]]],
  );
});

Deno.test("toPeft() leaves out what a wrapper put before the modules' names", () => {
  const model = addLora(network("model.0.auto_model."), { targets: ["up", "down"], rank: 2 });
  const { tensors, config } = toPeft(model, { strip: "model.0.auto_model", prefix: "bert" });
  assert.deepEqual(tensors.map(({ name }) => name), [
    "base_model.model.bert.up.lora_A.weight",
    "base_model.model.bert.up.lora_B.weight",
    "base_model.model.bert.down.lora_A.weight",
    "base_model.model.bert.down.lora_B.weight",
  ]);
  assert.deepEqual(config["target_modules"], ["bert.up", "bert.down"]);
  // And back: modules are found without what they begin with.
  assert.equal(fromPeft(model, toPeft(model, { strip: "model.0.auto_model" })).length, 4);
  assert.throws(
    () => toPeft(model, { strip: "encoder" }),
    /the module "model\.0\.auto_model\.up" is not inside of "encoder"/,
  );
});
