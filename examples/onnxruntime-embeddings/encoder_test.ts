import { buildModel, extendModel, type ModelProto, writeModel } from "@precond/onnx";
import { Trainer } from "@precond/onnxruntime";
import assert from "node:assert/strict";
import * as ort from "onnxruntime-node";
import { groups, positions, tokenizer, vocabulary } from "./_testing.ts";
import { losses, type LossName } from "./batches.ts";
import { EMBEDDING, withEmbedding } from "./embedding.ts";
import { makeEncoder } from "./encoder.ts";
import { readGroups, sentencesOf } from "./groups.ts";
import { load } from "./load.ts";
import { embed, largestDifference, product } from "./scores.ts";
import { tinyEncoder } from "./tiny_encoder.ts";
import { readTokens } from "./tokens.ts";
import { openTrainer, tune } from "./tune.ts";

const model = tinyEncoder({ vocabulary, positions });
const tokens = readTokens(tokenizer);
const encoder = makeEncoder(model, tokens, sentencesOf(groups), { rank: 4 });

for (const loss of Object.keys(losses) as LossName[]) {
  Deno.test(`${loss} widens the margin between sentences that it was not trained on`, async () => {
    const trainer = await openTrainer(ort, encoder, { loss, rate: 0.003 });
    const { before, after } = await tune(trainer, encoder, groups, { loss, steps: 40 });
    await trainer.release();
    const [margin, marginAfter] = [before, after].map(({ same, different }) => same - different);
    assert.ok(marginAfter! > margin! + 0.05, `${margin}, then ${marginAfter}`);
  });
}

Deno.test("A sentence's embedding has length 1, whatever longer ones stand beside it", async () => {
  const trainer = await openTrainer(ort, encoder, { loss: "contrastive", rate: 0.001 });
  const [short, long] = ["pan", "where is my boat and the sail and the rope"];
  const alone = makeEncoder(model, tokens, [short!], { rank: 4 });
  const together = makeEncoder(model, tokens, [short!, long!], { rank: 4 });
  const [own] = await embed(trainer, alone, [short!]);
  const [beside, other] = await embed(trainer, together, [short!, long!]);
  await trainer.release();
  assert.ok(Math.abs(product(own!, own!) - 1) < 1e-5);
  assert.ok(largestDifference([own!], [beside!]) < 1e-5);
  assert.ok(product(own!, other!) < 1 - 1e-4);
});

/** Runs a model with two sentences of different lengths. */
async function outputsOf(proto: ModelProto): Promise<Record<string, ort.Tensor>> {
  const feeds = makeEncoder(model, tokens, ["pan", "the boat and the sail"]).feedsOf([
    "pan",
    "the boat and the sail",
  ]);
  const session = await ort.InferenceSession.create(writeModel(proto));
  const inputs = Object.entries(feeds as Record<string, { data: BigInt64Array; dims: number[] }>)
    .map(([name, { data, dims }]) => [name, new ort.Tensor("int64", data, dims)] as const);
  const found = await session.run(Object.fromEntries(inputs));
  await session.release();
  return { ...found, mask: Object.fromEntries(inputs)["attention_mask"]! };
}

Deno.test("The embedding is the mean over tokens that are no padding, of length 1", async () => {
  const found = await outputsOf(withEmbedding(model));
  const [batch, length, width] = found["last_hidden_state"]!.dims as [number, number, number];
  const hidden = found["last_hidden_state"]!.data as Float32Array;
  const mask = Array.from(found["mask"]!.data as BigInt64Array, Number);
  assert.ok(mask.includes(0));
  const expected = Array.from({ length: batch }, (_, n) => {
    const mean = Array.from(
      { length: width },
      (_, d) =>
        Array.from(
          { length },
          (_, t) => mask[n * length + t]! * hidden[(n * length + t) * width + d]!,
        )
          .reduce((x, y) => x + y, 0),
    );
    const size = Math.hypot(...mean);
    return mean.map((x) => x / size);
  }).flat();
  const actual = found[EMBEDDING]!.data as Float32Array;
  expected.forEach((x, i) =>
    assert.ok(Math.abs(x - actual[i]!) < 1e-5, `${i}: ${x}, ${actual[i]}`)
  );
});

/** The model with an output that is one vector a sentence, behind that of the tokens. */
function pooled(): ModelProto {
  const m = extendModel(model);
  const last = m.parameter("last", [1], BigInt64Array.of(1n));
  m.output(m.op("ReduceSum", ["last_hidden_state", last], { keepdims: 0 }, "sentence"));
  return m.build();
}

Deno.test("An output that is one vector a sentence goes before one of tokens, and a name before both", async () => {
  const unit = async (
    output?: string,
  ) => [...(await outputsOf(withEmbedding(pooled(), output)))[EMBEDDING]!.data as Float32Array];
  const found = await outputsOf(withEmbedding(pooled()));
  const rows = found["sentence"]!.data as Float32Array;
  const width = found["sentence"]!.dims[1]!;
  const size = Math.hypot(...rows.subarray(0, width));
  (await unit()).slice(0, width).forEach((x, i) => assert.ok(Math.abs(x - rows[i]! / size) < 1e-5));
  assert.deepEqual(await unit("sentence"), await unit());
  const named = await unit("last_hidden_state");
  assert.ok(named.some((x, i) => Math.abs(x - rows[i]! / size) > 1e-3));
});

Deno.test("What does not fit is refused, with what there is", async () => {
  const refuse = (make: () => unknown, error: RegExp) => assert.throws(make, error);
  refuse(
    () => makeEncoder(model, tokens, ["a"], { output: "pooler_output" }),
    /no output "pooler_output", only "last_hidden_state" \(float32 \[batch, \?, 32\]\)/,
  );
  const other = tinyEncoder({ vocabulary: vocabulary - 1, positions });
  refuse(
    () => makeEncoder(other, tokens, ["a"]),
    new RegExp(
      `the tokenizer has ${vocabulary} tokens, the model's table of embeddings ${vocabulary - 1}`,
    ),
  );
  const wide = tinyEncoder({ vocabulary: vocabulary + 500, positions });
  refuse(() => makeEncoder(wide, tokens, ["a"]), /give the tokenizer\.json of this model/);
  const image = buildModel();
  image.output(image.op("Relu", [image.input("pixel_values", ["N", 3])]));
  refuse(
    () => makeEncoder(image.build(), tokens, ["a"]),
    /the model's inputs are pixel_values, expected are input_ids, attention_mask/,
  );
  refuse(() => readTokens("{"), /Cannot read the tokenizer: /);
  refuse(() => readTokens("{}"), /the file has no vocabulary; give the tokenizer\.json/);
  refuse(() => readGroups("[{}]"), /expected is a list of two groups or more/);
  refuse(
    () => readGroups('[{"name": "x", "learn": ["a"]}, {}]'),
    /"learn" of "x" must be a list of two sentences or more/,
  );
  await assert.rejects(
    load("model", "nowhere/model.onnx"),
    /Cannot read the model: there is no file "nowhere\/model\.onnx"/,
  );
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    ({ url }) =>
      new Response(new URL(url).pathname, { status: url.endsWith("/model") ? 200 : 404 }),
  );
  const at = `http://127.0.0.1:${server.addr.port}`;
  assert.equal(new TextDecoder().decode(await load("model", `${at}/model`)), "/model");
  await assert.rejects(
    load("model", `${at}/none`),
    /Cannot fetch the model: .*\/none answered 404/,
  );
  await server.shutdown();
});

Deno.test("A sentence longer than the model's positions is cut, keeps its end, and is named", async () => {
  const long = Array.from({ length: 40 }, () => "boat").join(" ");
  const { notes, feedsOf, model: adapted } = makeEncoder(model, tokens, ["pan", long]);
  assert.deepEqual(notes.length, 1);
  assert.match(
    notes[0]!,
    /^1 of 2 sentences .* more than 32 tokens \(the model's positions\).*"boat boat/,
  );
  const { data, dims } = feedsOf([long])["input_ids"] as { data: BigInt64Array; dims: number[] };
  assert.deepEqual(dims, [1, positions]);
  const [first, ...rest] = data;
  const [start, end] = tokens.encode("", 8).ids;
  assert.deepEqual([first, rest.at(-1)], [start, end].map((id) => BigInt(id!)));
  const trainer = await Trainer.create(ort, { model: adapted, loss: losses.contrastive });
  assert.equal((await trainer.predict(feedsOf([long])))[EMBEDDING]!.dims[0], 1);
  await trainer.release();
  // As many as were asked for.
  assert.match(
    makeEncoder(model, tokens, [long], { length: 5 }).notes[0]!,
    /more than 5 tokens \(the length/,
  );
});
