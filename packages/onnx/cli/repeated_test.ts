import { inFolder } from "@precond/testing/node";
import assert from "node:assert/strict";
import { link, mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { buildModel } from "../model/build_model.ts";
import { readModel, writeModel } from "../model/read_model.ts";
import { tensorData } from "../model/tensor.ts";
import { run } from "./run.ts";

/** `y = tanh(x · body.w) · head.w`. */
function network() {
  const m = buildModel();
  const x = m.input("x", ["N", 2]);
  const body = m.parameter("body.w", [2, 3], Float32Array.of(1, 2, 3, 4, 5, 6));
  const head = m.parameter("head.w", [3, 2], Float32Array.of(1, 2, 3, 4, 5, 6));
  m.output(m.op("MatMul", [m.op("Tanh", [m.op("MatMul", [x, body])]), head], {}, "y"));
  return m.build();
}

/** Runs the program in this process; what it wrote. */
async function cli(...args: string[]): Promise<{ code: number; text: string }> {
  const texts: string[] = [];
  const streams = [process.stdout, process.stderr];
  const before = streams.map((s) => s.write);
  for (const s of streams) s.write = ((text: string) => texts.push(String(text)) > 0) as never;
  try {
    const code = await run(args);
    return { code, text: texts.join("") };
  } finally {
    streams.forEach((s, k) => s.write = before[k]!);
  }
}

const save = async (folder: string, name = "m.onnx", model = network()) => {
  await writeFile(join(folder, name), writeModel(model));
  return join(folder, name);
};
const outputsOf = async (path: string) =>
  readModel(await readFile(path)).graph!.output.map((o) => o.name);

Deno.test("No command writes over what it reads, by whatever name", () =>
  inFolder(async (folder) => {
    const file = await save(folder);
    const bytes = await readFile(file);
    await symlink(file, join(folder, "link.onnx"));
    await link(file, join(folder, "hard.onnx"));
    for (
      const out of [
        file,
        join(folder, "x", "..", "m.onnx"),
        join(folder, "link.onnx"),
        join(folder, "hard.onnx"),
      ]
    ) {
      if (out.includes("..")) await mkdir(join(folder, "x"), { recursive: true });
      const { code, text } = await cli("gradient", file, "-o", out, "--loss", "mse");
      assert.equal(code, 1, text);
      assert.match(text, /^Cannot write ".*": it is (an|the) input.*; give another file\n$/);
      assert.deepEqual(await readFile(file), bytes);
    }
    const tr = join(folder, "tr");
    assert.equal(
      (await cli("artifacts", file, "-o", tr, "--loss", "mse", "--extra-outputs", "y")).code,
      0,
    );
    const artifacts = [
      "training_model.onnx",
      "eval_model.onnx",
      "optimizer_model.onnx",
      "checkpoint",
    ];
    const contents = await Promise.all(artifacts.map((f) => readFile(join(tr, f))));
    for (const name of artifacts) {
      const out = join(tr, name);
      for (
        const args of [["export", tr], ["export", file, "--checkpoint", join(tr, "checkpoint")], [
          "gradient",
          tr,
        ]]
      ) {
        if (args[1] === file && name !== "checkpoint") continue;
        const { code, text } = await cli(...args, "-o", out);
        assert.equal(code, 1, text);
        assert.match(text, /Cannot write/);
      }
    }
    const model = join(tr, "training_model.onnx");
    assert.equal((await cli("artifacts", model, "-o", tr, "--output", "loss")).code, 1);
    assert.deepEqual(await Promise.all(artifacts.map((f) => readFile(join(tr, f)))), contents);
  }));

Deno.test("The data file of a model is not written over either", () =>
  inFolder(async (folder) => {
    const { bytes, data } = writeModel(network(), {
      externalData: { location: "g.onnx.data", threshold: 0 } as never,
    });
    await writeFile(join(folder, "m.onnx"), bytes);
    await writeFile(join(folder, "g.onnx.data"), data);
    if (data.length === 0) return assert.fail("the model has no data file");
    const { code, text } = await cli(
      "gradient",
      join(folder, "m.onnx"),
      "-o",
      join(folder, "g.onnx"),
      "--loss",
      "mse",
    );
    assert.equal(code, 1, text);
    assert.match(text, /Cannot write ".*g\.onnx\.data": it is an input/);
    assert.deepEqual(new Uint8Array(await readFile(join(folder, "g.onnx.data"))), data);
  }));

Deno.test("Lists of a repeated option add up, other values are not given twice", () =>
  inFolder(async (folder) => {
    const file = await save(folder), out = join(folder, "g.onnx");
    const gradient = (...more: string[]) =>
      cli("gradient", file, "-o", out, "--loss", "mse", ...more);
    for (
      const [more, expected] of [
        [["--trainable", "head.w", "--trainable", "body.w"], ["head.w_grad", "body.w_grad"]],
        [["--trainable", "head.w", "--trainable", "/^body/"], ["body.w_grad", "head.w_grad"]],
      ]
    ) {
      const { code, text } = await gradient(...more!);
      assert.equal(code, 0, text);
      assert.deepEqual(await outputsOf(out), ["loss", "y", ...expected!]);
    }
    const refused: [string[], RegExp][] = [
      [["--loss", "l1"], /option '--loss' is given twice/],
      [["-o", join(folder, "other.onnx")], /option '--out' is given twice/],
      [["--target", "cpu", "--target", "webgpu"], /option '--target' is given twice/],
      [
        ["--training", "--no-training"],
        /options '--training' and '--no-training' exclude each other/,
      ],
      [["--size", "N=1", "--size", "N=2"], /N is 1 already/],
      [["--size", "N=0"], /N must be at least 1/],
    ];
    for (const [more, message] of refused) {
      const { code, text } = await gradient(...more);
      assert.equal(code, 2, text);
      assert.match(text, message);
    }
    assert.equal(
      (await gradient("--size", "N=1", "--size", "N=1", "--training", "--training")).code,
      0,
    );
    const tr = join(folder, "tr");
    await cli(
      "artifacts",
      file,
      "-o",
      tr,
      "--loss",
      "mse",
      "--trainable",
      "head.w",
      "--frozen",
      "body.w",
    );
    const trained = await cli(
      "export",
      file,
      "--checkpoint",
      join(tr, "checkpoint"),
      "-o",
      out,
      "--outputs",
      "y",
      "--outputs",
      "y",
    );
    assert.equal(trained.code, 0, trained.text);
    assert.deepEqual(await outputsOf(out), ["y"]);
  }));

Deno.test("Options of a loss reach it, and no other loss", () =>
  inFolder(async (folder) => {
    const file = await save(folder), out = join(folder, "g.onnx");
    const gradient = (...more: string[]) => cli("gradient", file, "-o", out, ...more);
    const { code, text } = await gradient(
      ...[
        "--loss",
        "crossEntropy",
        "--axis",
        "-1",
        "--ignore-index",
        "-100",
        "--label-smoothing",
        "0.1",
      ],
    );
    assert.equal(code, 0, text);
    const node = readModel(await readFile(out)).graph!.node.find((n) =>
      n.opType === "SoftmaxCrossEntropyLoss"
    )!;
    assert.equal(node.attribute.find((a) => a.name === "ignore_index")!.i, -100n);
    assert.equal((await gradient("--loss", "huber", "--delta", "0.5")).code, 0);
    const halves = readModel(await readFile(out)).graph!.initializer.map((t) =>
      Number(tensorData(t)[0])
    );
    assert.ok(halves.includes(0.5));
    for (
      const [more, message] of [
        [["--loss", "mse", "--axis", "1"], /--axis is an option of --loss crossEntropy/],
        [["--loss", "crossEntropy", "--delta", "1"], /--delta is an option of --loss huber/],
        [["--loss", "crossEntropy", "--axis", "1.5"], /expected a whole number/],
        [["--loss", "crossEntropy", "--label-smoothing", "2"], /expected a number from 0 to 1/],
      ] as const
    ) {
      const refused = await gradient(...more);
      assert.equal(refused.code, 2, refused.text);
      assert.match(refused.text, message);
    }
    // What only the graph can tell is refused by the library, in one line.
    const axis = await gradient("--loss", "crossEntropy", "--axis", "7");
    assert.equal(axis.code, 1, axis.text);
    assert.match(axis.text, /^Cannot .*axis.*\n$/);
  }));

Deno.test("A folder as output is refused in words, a pipe is read to its end", () =>
  inFolder(async (folder) => {
    const file = await save(folder);
    const { code, text } = await cli("gradient", file, "-o", folder, "--loss", "mse");
    assert.equal(code, 2, text);
    assert.match(text, /'-o, --out <file>'.* it is a folder; give a file, such as ".*out\.onnx"/);
    if (Deno.build.os === "windows") return;
    const main = new URL("./main.ts", import.meta.url).pathname;
    const { code: ended, stderr } = await new Deno.Command("sh", {
      args: [
        "-c",
        `cat "${file}" | "${Deno.execPath()}" run -A "${main}" inspect /dev/stdin --json`,
      ],
      stdout: "null",
    }).output();
    assert.equal(ended, 0, new TextDecoder().decode(stderr));
  }));
