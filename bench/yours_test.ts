import assert from "node:assert/strict";
import { join } from "node:path";
import { inFolder, runMain } from "./_testing_main.ts";
import { parse } from "./cli.ts";
import { Exit } from "./exit.ts";
import { random } from "./random.ts";

/** Three columns, a product to predict, and whether it is positive. */
function table(): string {
  const draw = random("yours test");
  const rows = Array.from({ length: 120 }, () => {
    const [a, b] = [draw.normal(), draw.normal()];
    return [a, 1e4 * b, ["x", "y"][draw.integer(2)], a * b, a > 0 ? "yes" : "no"].join(",");
  });
  return ["a,b,kind,product,positive", ...rows].join("\n");
}

Deno.test("--csv compares on a table, both tasks on both hosts", async () => {
  await inFolder(async (folder) => {
    const file = join(folder, "table.csv");
    await Deno.writeTextFile(file, table());
    const backends = ["wasm", "onnxruntime"];
    for (const target of ["product", "positive"]) {
      const { code, said, rows } = await runMain(folder, [
        ...["--csv", file, "--target", target, "--method", "snrOnly"],
        ...["--backend", backends.join(), "--seeds", "1"],
      ]);
      assert.equal(code, 0, said);
      assert.match(said, /120 rows: 84 to train, 18 to choose learning rates by, 18 to test/);
      // Two selections a backend; what is shipped runs at its own rate.
      assert.deepEqual(rows.map(({ backend }) => backend), backends.flatMap((b) => [b, b]));
      assert.deepEqual(new Set(rows.map(({ problem }) => problem)), new Set(["csv"]));
      const [tensors, , onnx] = rows;
      // Float32 rounding that 200 steps have amplified.
      const { finalTrainLoss: expected } = tensors!;
      assert.ok(Math.abs(onnx!.finalTrainLoss! - expected!) < 0.05 * expected! + 1e-3, said);
      assert.ok(tensors!.bestTestLoss! < tensors!.curve.testLoss![0]!);
      assert.equal(tensors!.finalTestAccuracy === null, target === "product");
    }
  });
});

Deno.test("--csv ends with code 2 and what is wrong", async () => {
  await inFolder(async (folder) => {
    const file = join(folder, "table.csv");
    const asked = ["--csv", file, "--target", "products"];
    const missing = await runMain(folder, asked);
    assert.equal(missing.code, 2);
    assert.match(missing.said, /^Cannot read ".*table.csv": there is no such file$/);
    await Deno.writeTextFile(file, table());
    const wrong = await runMain(folder, asked);
    assert.equal(wrong.code, 2);
    assert.match(wrong.said, /there is no such column, did you mean "product"\?/);
    const page = await runMain(folder, [...asked.slice(0, 3), "product", "--backend", "webgl"]);
    assert.equal(page.code, 2);
    assert.match(
      page.said,
      /Cannot run "csv" on webgl, which is in a page without files; use .*webgpu/,
    );
  });
});

Deno.test("parse() wants both --csv and --target", () => {
  const refused = (args: string[], message: RegExp) =>
    assert.throws(
      () => parse(args),
      (error) => error instanceof Exit && message.test(error.message),
    );
  refused(["--csv", "a.csv"], /--csv needs --target <column>/);
  refused(["--target", "a"], /--target needs --csv <file>/);
  refused(["--task", "regression"], /--task needs --csv <file>/);
  refused(["--problem", "csv"], /Problem "csv" needs --csv <file>/);
  refused(["--csv", "a.csv", "--target", "a", "--task", "ranking"], /regression, classification/);
  assert.deepEqual(parse(["--csv", "a.csv", "--target", "b"]).yours, {
    csv: { file: "a.csv", target: "b" },
  });
});
