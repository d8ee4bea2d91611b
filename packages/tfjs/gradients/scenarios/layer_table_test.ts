import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-layers";
import assert from "node:assert/strict";
import { disableGradients } from "../mod.ts";
import { enableWasmTraining } from "../../wasm_training/mod.ts";
import { nameOf } from "./layer_case.ts";
import { layerCases } from "./layer_cases.ts";
import { cellsOf, columns, page, rowOf, withTable } from "./layer_table.ts";

/** Layers that no pack can train through, and what tfjs says. */
const untrainable: Readonly<Record<string, RegExp>> = {
  centerCrop: /gradient function not found for CropAndResize/,
};

Deno.test("gradients through every layer, with the packs, are right or refused; docs/tfjs_layers.md says so", async (t) => {
  await tf.setBackend("cpu");
  const rows: string[][] = [];
  for (const test of layerCases) {
    const name = nameOf(test);
    await t.step(name, async () => {
      const before = tf.memory().numTensors;
      const cells = await cellsOf(test);
      rows.push(rowOf(test, cells));
      cells.forEach(({ state, detail }, i) => {
        const { packs, order, title } = columns[i]!;
        if (!packs) return; // what tfjs does is only recorded
        if (untrainable[test.layer]) assert.match(detail, untrainable[test.layer]!, title);
        else if (order === 1) assert.equal(state, "right", `${title}: ${detail}`);
        else assert.notEqual(state, "wrong", `${title}: ${detail}`);
      });
      // What tfjs throws in the middle of a gradient leaves its tensors behind.
      if (cells.every(({ state }) => state !== "refused")) {
        assert.equal(tf.memory().numTensors, before, "no tensor is left");
      }
    });
  }
  disableGradients();
  enableWasmTraining();
  const current = await Deno.readTextFile(page);
  assert.equal(
    current,
    withTable(current, rows),
    "docs/tfjs_layers.md is out of date: deno task layers:write",
  );
});
