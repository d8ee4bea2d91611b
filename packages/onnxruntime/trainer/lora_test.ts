import { adamW, sgd } from "@precond/core";
import {
  addLora,
  buildModel,
  differentiate,
  exportInferenceModel,
  fromPeft,
  loraInputs,
  mergeLora,
  type ModelProto,
  readModel,
  readOnnxAdapter,
  tensorData,
  toPeft,
  writeModel,
} from "@precond/onnx";
import { assertAllClose, random } from "@precond/testing";
import { inFolder } from "@precond/testing/node";
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { loadAdapterFolder, saveAdapterFolder } from "../node/mod.ts";
import { block, cnn, mlp, nodeOrt, type TestNetwork } from "../scenarios/builds.ts";
import type { Feeds, Ort, Tensor } from "../hosts/ort.ts";
import type { TrainerOptions } from "./options.ts";
import { Trainer } from "./trainer.ts";

const open = (net: TestNetwork, model: ModelProto, options: TrainerOptions = {}, ort = nodeOrt) =>
  Trainer.create(ort, { model, loss: net.loss }, options);
const inputs = (net: TestNetwork, step = 7): Feeds => {
  const { labels: _, ...x } = net.feeds(step);
  return x;
};
const numbers = (t: Tensor | undefined) => [...t!.data as Float32Array];
const predicted = async (trainer: Trainer, net: TestNetwork) =>
  numbers(Object.values(await trainer.predict(inputs(net)))[0]);
const valuesIn = (
  model: ModelProto,
  name: string,
) => [...tensorData(model.graph!.initializer.find((t) => t.name === name)!) as Float32Array];

for (const net of [mlp(), cnn(), block()]) {
  Deno.test(`${net.name}: adapters begin as the model, are trained alone, and are merged`, async () => {
    const adapted = addLora(net.model, { targets: ({ kind }) => kind !== "embedding", rank: 3 });
    const plain = await open(net, net.model);
    const trainer = await open(net, adapted, { optimizer: adamW({ learningRate: 0.01 }) });
    assert.ok(trainer.parameters.every((name) => /\.lora_[AB]\.weight$/.test(name)));
    // Convolutions with constant weights are computed in another order than with weights that are fed.
    const float = net.name === "CNN" ? 1e-5 : 0;
    assertAllClose(await predicted(trainer, net), await predicted(plain, net), {
      relative: float,
      absolute: float,
    });
    for (let k = 0; k < 5; k++) await trainer.step(net.feeds(k));
    const learnt = await predicted(trainer, net);
    const exported = readModel(await trainer.exportModel());
    for (const { name } of net.model.graph!.initializer) {
      assert.deepEqual(valuesIn(exported, name), valuesIn(net.model, name), name);
    }
    const merged = await open(net, mergeLora(exported));
    const expected = await predicted(merged, net);
    assertAllClose(expected, learnt, { relative: 1e-5, absolute: 1e-5 });
    const before = await predicted(plain, net);
    assert.ok(before.some((v, i) => Math.abs(v - learnt[i]!) > 1e-3));
    for (const t of [plain, trainer, merged]) await t.release();
  });
}

// y = x (W + s A B): a step of descent by B alone moves the weight by −η s² A Aᵀ ∂W.
Deno.test("A step of descent by B moves the merged weight by the projected gradient", async () => {
  const net = mlp();
  const target = net.model.graph!.initializer.find((t) => t.dims.length === 2)!.name;
  const adapted = addLora(net.model, { targets: target, rank: 2, alpha: 3 });
  const [rate, s] = [0.25, 1.5];
  const b = adapted.graph!.initializer.find(({ name }) => name.endsWith("lora_B.weight"))!.name;
  const trainer = await open(net, adapted, {
    optimizer: sgd({ learningRate: rate }),
    trainable: [b],
  });
  await trainer.step(net.feeds(3));
  const merged = mergeLora(readModel(await trainer.exportModel()));

  const { model, gradients } = differentiate(net.model, {
    loss: net.loss,
    trainable: [target],
    parameters: "constants",
  });
  const session = await nodeOrt.InferenceSession.create(writeModel(model));
  const feeds = Object.fromEntries(
    Object.entries(net.feeds(3)).map(([name, { data, dims }]) => [
      name,
      new nodeOrt.Tensor(data instanceof BigInt64Array ? "int64" : "float32", data as never, dims),
    ]),
  );
  const gradient = numbers((await session.run(feeds))[gradients.get(target)!]);
  const [A, W] = [valuesIn(adapted, b.replace("_B", "_A")), valuesIn(net.model, target)];
  const [I, O, r] = [6, 8, 2]; // stored [in, out]
  const expected = W.map((w, at) => {
    const [i, o] = [Math.floor(at / O), at % O];
    let moved = 0;
    for (let j = 0; j < I; j++) {
      for (let k = 0; k < r; k++) moved += A[i * r + k]! * A[j * r + k]! * gradient[j * O + o]!;
    }
    return w - rate * s * s * moved;
  });
  assertAllClose(valuesIn(merged, target), expected, { relative: 1e-5, absolute: 1e-6 });
  await session.release();
  await trainer.release();
});

/** Numbers in place of the zeros that adapters begin with. */
async function disturb(trainer: Trainer, seed: number): Promise<void> {
  const { normal } = random(seed);
  for (const name of trainer.parameters) {
    const { length } = await trainer.parameter(name);
    trainer.setParameter(name, Float32Array.from({ length }, () => 0.3 * normal()));
  }
}

Deno.test("Adapters drop their inputs in steps alone", async () => {
  const net = block();
  const [dropping, plain] = await Promise.all(
    [0.5, 0].map((dropout) => open(net, addLora(net.model, { dropout }), { optimizer: sgd() })),
  ) as [Trainer, Trainer];
  for (const t of [dropping, plain]) await disturb(t, 5);
  const [a, b] = [await dropping.evaluate(net.feeds(1)), await plain.evaluate(net.feeds(1))];
  assert.equal(a.loss, b.loss);
  assert.deepEqual(await predicted(dropping, net), await predicted(plain, net));
  const merged = mergeLora(readModel(await dropping.exportModel()));
  assert.ok(merged.graph!.node.every(({ opType }) => opType !== "Dropout"));
  const steps = [await dropping.step(net.feeds(1)), await plain.step(net.feeds(1))];
  assert.equal(steps[1]!.loss, b.loss);
  assert.notEqual(steps[0]!.loss, b.loss);
  for (const t of [dropping, plain]) await t.release();
});

Deno.test("Adapters are swapped on the sessions that are open", async () => {
  const net = mlp();
  const adapted = addLora(net.model, { targets: /./, rank: 2, alpha: 4 });
  let sessions = 0;
  const counting: Ort = {
    ...nodeOrt,
    Tensor: nodeOrt.Tensor,
    InferenceSession: {
      ...nodeOrt.InferenceSession,
      create: (...args: Parameters<Ort["InferenceSession"]["create"]>) => {
        sessions++;
        return nodeOrt.InferenceSession.create(...args);
      },
    } as Ort["InferenceSession"],
  };
  const trainer = await open(net, adapted, { optimizer: adamW() }, counting);
  await disturb(trainer, 3);
  const first = await trainer.saveAdapter();
  const before = await predicted(trainer, net);
  await disturb(trainer, 4);
  const [second, onnx] = [
    await trainer.saveAdapter(),
    await trainer.saveAdapter({ format: "onnx" }),
  ];
  const after = await predicted(trainer, net);
  assert.notDeepEqual(after, before);
  await trainer.step(net.feeds(0));
  const opened = sessions;
  trainer.loadAdapter(first);
  assert.deepEqual(await predicted(trainer, net), before);
  assert.equal(trainer.iteration, 0);
  for (const files of [second, first, onnx, first["adapter_model.safetensors"]!]) {
    trainer.loadAdapter(files);
    const expected = files === second || files === onnx ? after : before;
    assert.deepEqual(await predicted(trainer, net), expected);
  }
  await trainer.step(net.feeds(0));
  assert.equal(sessions, opened);

  // Of lower rank and another alpha, through a trainer of its own.
  const low = await open(net, addLora(net.model, { targets: /./, rank: 1, alpha: 5 }));
  await disturb(low, 6);
  trainer.loadAdapter(await low.saveAdapter());
  assertAllClose(await predicted(trainer, net), await predicted(low, net), {
    relative: 1e-5,
    absolute: 1e-5,
  });
  const wider = { name: "OnnxError", message: /add it with rank 2/ };
  assert.throws(() => low.loadAdapter(first), wider);

  assert.equal(readOnnxAdapter(onnx["adapter.onnx_adapter"]!).parameters.length, 4);
  const session = await nodeOrt.InferenceSession.create(
    writeModel(loraInputs(adapted, { defaults: false })),
  );
  const feeds = readOnnxAdapter(onnx["adapter.onnx_adapter"]!).parameters.map((t) => [
    t.name,
    new nodeOrt.Tensor("float32", tensorData(t) as Float32Array, t.dims.map(Number)),
  ]);
  const { x } = inputs(net);
  const run = await session.run({
    x: new nodeOrt.Tensor("float32", x!.data as Float32Array, x!.dims),
    ...Object.fromEntries(feeds),
  });
  assert.deepEqual(numbers(Object.values(run)[0]), after);
  await session.release();
  for (const t of [trainer, low]) await t.release();
});

Deno.test("A swapped adapter is trained as if the trainer had begun with it", async () => {
  const net = mlp();
  const adapted = addLora(net.model, { targets: /./ });
  const optimizer = adamW({ learningRate: 0.01 });
  const trainer = await open(net, adapted, { optimizer });
  for (let k = 0; k < 3; k++) await trainer.step(net.feeds(k));
  const files = await trainer.saveAdapter();
  for (let k = 3; k < 6; k++) await trainer.step(net.feeds(k));
  trainer.loadAdapter(files);
  const exported = readModel(await trainer.exportModel());
  const other = await open(
    net,
    exportInferenceModel(adapted, fromPeft(adapted, toPeft(exported))),
    { optimizer },
  );
  for (let k = 0; k < 4; k++) {
    assert.equal((await trainer.step(net.feeds(k))).loss, (await other.step(net.feeds(k))).loss);
  }
  for (const t of [trainer, other]) await t.release();
});

Deno.test("Adapters that are not trained can be swapped, too", async () => {
  const net = block();
  const adapted = addLora(net.model);
  const all = await open(net, adapted);
  await disturb(all, 3);
  const some = await open(net, adapted, { trainable: all.parameters.slice(0, 1) });
  some.loadAdapter(await all.saveAdapter());
  assert.deepEqual(await predicted(some, net), await predicted(all, net));
  assert.deepEqual(await some.saveAdapter(), await all.saveAdapter());
  for (const t of [all, some]) await t.release();
});

Deno.test("saveAdapterFolder() and loadAdapterFolder() use PEFT's names", () =>
  inFolder(async (folder) => {
    const net = mlp();
    const trainer = await open(net, addLora(net.model, { targets: /./ }));
    await disturb(trainer, 3);
    const expected = await predicted(trainer, net);
    for (const format of ["peft", "onnx"] as const) {
      const own = join(folder, format, "deeper");
      await saveAdapterFolder(trainer, own, { format });
      await disturb(trainer, 4);
      await loadAdapterFolder(trainer, own);
      assert.deepEqual(await predicted(trainer, net), expected);
    }
    const config = JSON.parse(
      await Deno.readTextFile(join(folder, "peft", "deeper", "adapter_config.json")),
    );
    assert.deepEqual([config.peft_type, config.r, config.lora_alpha], ["LORA", 8, 8]);
    await assert.rejects(loadAdapterFolder(trainer, folder), /has neither "adapter_model\.safe/);
    await writeFile(join(folder, "adapter_model.safetensors"), "nothing of the kind");
    await assert.rejects(loadAdapterFolder(trainer, folder), /Cannot read safetensors/);
    assert.deepEqual(await predicted(trainer, net), expected);
    await trainer.release();
  }));

Deno.test("What has no adapters, or is none, is refused", async () => {
  const net = mlp();
  const plain = await open(net, net.model);
  await assert.rejects(plain.saveAdapter(), /Cannot save the adapter: the model has none; create/);
  assert.throws(() => plain.loadAdapter({}), /Cannot load the adapter: the model has none/);
  const trainer = await open(net, addLora(net.model, { targets: /./ }));
  const refuse = (given: unknown, error: RegExp) =>
    assert.throws(() => trainer.loadAdapter(given as Uint8Array), error);
  refuse("adapter", /expected the bytes of a file, or \{ "adapter_model/);
  refuse({ "model.safetensors": new Uint8Array() }, /given is \{ "model\.safetensors" \}/);
  const files = await trainer.saveAdapter();
  refuse({ ...files, "adapter_config.json": new TextEncoder().encode("{}") }, /no configuration/);
  await assert.rejects(
    trainer.saveAdapter({ format: "pt" as "peft" }),
    /format must be "peft" or "onnx"/,
  );
  const other = block();
  const elsewhere = await open(other, addLora(other.model));
  assert.throws(() => elsewhere.loadAdapter(files), /only the model has .*; only the file has/);
  const onnx = await trainer.saveAdapter({ format: "onnx" });
  assert.throws(() => elsewhere.loadAdapter(onnx), /is missing, in the model it is of type 1/);
  const running = trainer.step(net.feeds(0));
  refuse(files, /a call is running \(step\)/);
  await running;
  for (const t of [plain, trainer, elsewhere]) await t.release();
});

Deno.test("Trainers take losses without labels: embeddings against each other", async () => {
  const { model } = mlp();
  const embedding = model.graph!.output[0]!.name;
  const temperature = 0.5;
  const trainer = await Trainer.create(nodeOrt, {
    model: addLora(model, { targets: /./ }),
    loss: { type: "contrastive", output: embedding, temperature },
  }, { optimizer: adamW({ learningRate: 0.01 }) });
  const { x } = mlp().feeds(1);
  for (let k = 0; k < 3; k++) await trainer.step({ x: x! });
  const { loss, outputs } = await trainer.evaluate({ x: x! });
  const [rows, width] = outputs[embedding]!.dims as [number, number];
  const values = numbers(outputs[embedding]);
  const unit = (k: number) => {
    const row = values.slice(k * width, (k + 1) * width);
    return row.map((v) => v / Math.hypot(...row));
  };
  let sum = 0;
  for (let k = 0; k < rows; k += 2) {
    const scores = Array.from({ length: rows / 2 }, (_, j) => {
      const other = unit(2 * j + 1);
      return unit(k).reduce((a, v, i) => a + v * other[i]!, 0) / temperature;
    });
    sum += Math.log(scores.reduce((a, s) => a + Math.exp(s), 0)) - scores[k / 2]!;
  }
  assertAllClose([loss], [sum / (rows / 2)], { relative: 1e-5, absolute: 1e-6 });
  await trainer.release();
});

Deno.test("Large frozen weights are handed over beside the file, and are the same", async () => {
  const m = buildModel();
  const { normal } = random(3);
  const matrix = (name: string, rows: number, columns: number) =>
    m.parameter(
      `${name}.weight`,
      [rows, columns],
      Float32Array.from({ length: rows * columns }, () => normal() / Math.sqrt(rows)),
    );
  const h = m.op("Tanh", [m.op("MatMul", [m.input("x", ["N", 512]), matrix("up", 512, 600)])]);
  m.output(m.op("MatMul", [h, matrix("down", 600, 3)], {}, "y"));
  const model = addLora(m.build(), { rank: 2 });
  const seen: (readonly [length: number, files: number])[] = [];
  const create = (bytes: Uint8Array, options: { externalData?: readonly unknown[] }) => {
    seen.push([bytes.length, options.externalData?.length ?? 0]);
    return nodeOrt.InferenceSession.create(bytes, options as never);
  };
  const watched = {
    ...nodeOrt,
    Tensor: nodeOrt.Tensor,
    InferenceSession: { create } as unknown as Ort["InferenceSession"],
  };
  const web = await import("onnxruntime-web") as unknown as Ort;
  const x = { data: Float32Array.from({ length: 4 * 512 }, () => normal()), dims: [4, 512] };
  const labels = { data: BigInt64Array.of(0n, 1n, 2n, 0n), dims: [4] };
  const losses = [];
  for (const ort of [watched, web]) {
    const trainer = await Trainer.create(ort, { model, loss: { type: "crossEntropy" } }, {
      optimizer: adamW({ learningRate: 0.01 }),
    });
    for (let k = 0; k < 4; k++) losses.push((await trainer.step({ x, labels })).loss);
    losses.push((await trainer.evaluate({ x, labels })).loss);
    await trainer.release();
  }
  assertAllClose(losses.slice(0, 5), losses.slice(5), { relative: 1e-5, absolute: 1e-6 });
  // The training and the evaluation graph; what is small stays in the file.
  const graphs = seen.filter(([, files]) => files > 0);
  assert.deepEqual(graphs.map(([, files]) => files), [1, 1]);
  assert.ok(seen.every(([length]) => length < 100_000), `${seen}`);
});
