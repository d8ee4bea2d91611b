// Gradient graphs of whole networks: legal on every target, and run on WebGPU.
import assert from "node:assert/strict";
import { DataType } from "../model/data_type.ts";
import { close, fedAs, hasWebgpu, openOnWebgpu, runOnCpu } from "./_testing.ts";
import { legalize } from "./legalize.ts";
import { losses, subjects } from "./scenarios/networks.ts";

const all = [...subjects(losses), ...subjects([{ type: "crossEntropy" }, { type: "mse" }], true)];

/** Falls back to the CPU on WebGPU, or fails there: ../shared/facts, which the probe confirmed. */
const OFF_WEBGPU =
  /^(ConstantOfShape|Dropout|FusedMatMul|LogSoftmax|Mod|NegativeLogLikelihoodLoss|OneHot|Random.*|Round|SoftmaxCrossEntropyLoss|Selu|Sign|Size|Softsign|Sum|Mean|Or|Xor)$/;
const OFF_WEBGL =
  /^(Where|Expand|OneHot|Erf|Sign|Max|Min|LayerNormalization|LogSoftmax|Einsum|Scatter.*|Gather.+|TopK|ConstantOfShape|Range|SoftmaxCrossEntropyLoss|Shape|Resize|Tile|Identity)$/;

Deno.test("Legal gradient graphs compute the same on the CPU, and hold only what a target has", async (t) => {
  for (const { name, model, feeds, sizes } of all) {
    await t.step(name, async () => {
      const expected = await runOnCpu(model, feeds);
      for (const target of ["cpu", "webgpu", "webgl"] as const) {
        const { model: legal, inputs } = legalize(
          model,
          target,
          target === "webgl" ? { sizes } : {},
        );
        const operators = legal.graph!.node.map((n) => n.opType);
        const off = { cpu: /^$/, webgpu: OFF_WEBGPU, webgl: OFF_WEBGL }[target];
        assert.deepEqual(operators.filter((o) => off.test(o)), [], target);
        assert.deepEqual(
          legal.graph!.output.map((o) => o.name),
          model.graph!.output.map((o) => o.name),
        );
        assert.deepEqual(
          legal.graph!.input.map((i) => i.name),
          model.graph!.input.map((i) => i.name),
        );
        close(await runOnCpu(legal, fedAs(feeds, inputs)), expected, 3e-5, target);
        if (target === "webgl") assert.equal(legal.opsetImport[0]!.version, 12n);
      }
    });
  }
});

Deno.test({
  name: "Legal gradient graphs run on WebGPU without a node on the CPU",
  ignore: !await hasWebgpu(),
  // The wasm module keeps its device.
  sanitizeOps: false,
  sanitizeResources: false,
  fn: async (t) => {
    // Every loss on the small network; of the others each loss runs on the CPU, above.
    const small = all.filter(({ name }) => name.startsWith("MLP"));
    const large = all.filter((subject) =>
      !small.includes(subject) && /\{"type":"crossEntropy"(,"axis":-1)?\}/.test(subject.name)
    );
    assert.deepEqual([small.length, large.length], [6, 4]);
    for (const { name, model, feeds, sizes } of [...small, ...large]) {
      await t.step(name, async () => {
        const expected = await runOnCpu(model, feeds);
        for (const options of [{ sizes }, {}]) {
          const { model: legal, inputs } = legalize(model, "webgpu", options);
          assert.equal(inputs.has("labels"), feeds["labels"]!.type === DataType.INT64);
          const session = await openOnWebgpu(legal);
          try {
            // Of an unknown batch size the CPU computes the number of examples, and shapes from it.
            const left = session.onCpu.filter((node) =>
              !("sizes" in options) ? !/^(Concat|ReduceProd|Cast|Gather|Squeeze) /.test(node) : true
            );
            assert.deepEqual(left, []);
            close(await session.run(fedAs(feeds, inputs)), expected, 1e-4, name);
          } finally {
            await session.release();
          }
        }
      });
    }
  },
});
