import { buildModel, writeModel } from "@precond/onnx";
import { inFolder } from "@precond/testing/node";
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { nodeOrt } from "../scenarios/builds.ts";
import { Trainer } from "../trainer/trainer.ts";
import { createTrainerFromFile } from "./mod.ts";

Deno.test("createTrainerFromFile() finds the tensors that a model keeps in other files", () =>
  inFolder(async (folder) => {
    const w = Float32Array.from({ length: 600 }, (_, i) => i / 600);
    const m = buildModel();
    m.output(m.op("MatMul", [m.input("x", ["N", 2]), m.parameter("w", [2, 300], w)], {}, "y"));
    const { bytes, data } = writeModel(m.build(), { externalData: { location: "m.data" } });
    const path = join(folder, "m.onnx");
    await writeFile(path, bytes);
    await writeFile(join(folder, "m.data"), data);
    const loss = { type: "mse" } as const;
    const trainer = await createTrainerFromFile(nodeOrt, path, { loss });
    assert.deepEqual(await trainer.parameter("w"), w);
    await trainer.release();
    // The bytes alone are refused with both ways.
    await assert.rejects(Trainer.create(nodeOrt, { model: bytes, loss }), {
      name: "TypeError",
      message: /keeps "w" in the file "m.data"; give it as .*externalData.*createTrainerFromFile/,
    });
    const given = await Trainer.create(nodeOrt, {
      model: bytes,
      loss,
      externalData: { "m.data": data },
    });
    assert.deepEqual(await given.parameter("w"), w);
    await given.release();
  }));
