import { inFolder } from "@precond/testing/node";
import assert from "node:assert/strict";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { buildModel } from "../model/build_model.ts";
import { readModel, writeModel } from "../model/read_model.ts";
import { tensorData } from "../model/tensor.ts";
import { packageVersion } from "./version.ts";
import { readCheckpointFile, writeCheckpointFile } from "../node/mod.ts";
import { runModel } from "../_testing.ts";
import { makeTensor } from "../model/tensor.ts";
import { DataType } from "../model/data_type.ts";
import type { ModelProto } from "../proto/onnx_pb.ts";

const MAIN = fileURLToPath(new URL("./main.ts", import.meta.url));

/** What a run of the program came to. */
interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function cli(...args: string[]): Promise<Ended> {
  const command = new Deno.Command(Deno.execPath(), { args: ["run", "-A", MAIN, ...args] });
  const { code, stdout, stderr } = await command.output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  return { code, out: out!, err: err! };
}

/** y = x w + b, w = [[1], [2]], b = [0.5] */
function linear(more: (m: ReturnType<typeof buildModel>, y: string) => string = (_, y) => y) {
  const m = buildModel();
  const x = m.input("x", ["N", 2]);
  const w = m.parameter("w", [2, 1], Float32Array.of(1, 2));
  const b = m.parameter("b", [1], Float32Array.of(0.5));
  m.output(more(m, m.op("Gemm", [x, w, b], {}, "y")));
  return m.build();
}

const save = async (folder: string, model: ModelProto) => {
  const path = join(folder, "model.onnx");
  await writeFile(path, writeModel(model));
  return path;
};

const read = async (path: string) => readModel(await readFile(path));
const names = (list: readonly { readonly name: string }[]) => list.map(({ name }) => name);

Deno.test("precond-onnx inspect tells what a model holds, in words and as JSON", () =>
  inFolder(async (folder) => {
    const path = await save(folder, linear());
    const words = await cli("inspect", path);
    assert.equal(words.code, 0, words.err);
    assert.match(words.out, /input +│ x +│ FLOAT │ \[N, 2\]/);
    assert.match(words.out, /w +│ FLOAT │ \[2, 1\] │ 8 B +│ yes/);
    assert.match(words.out, /Gemm +│ 1 +│ yes +│ yes +│ yes/);
    assert.match(words.out, /every node on a path to a trainable parameter has a rule/);

    const json = JSON.parse((await cli("inspect", path, "--json")).out);
    assert.deepEqual(json.opsets, { "ai.onnx": 18 });
    assert.deepEqual(json.outputs, [{ name: "y", type: "FLOAT", shape: ["N", 1] }]);
    assert.deepEqual(json.missing, []);
    assert.deepEqual(json.targets, { webgpu: { runs: true }, webgl: { runs: true } });
    assert.deepEqual(json.totals, {
      nodes: 1,
      parameters: 3,
      parameterBytes: 12,
      trainable: 3,
      trainableBytes: 12,
    });
  }));

Deno.test("precond-onnx inspect counts the numbers of formulas as fixed", () =>
  inFolder(async (folder) => {
    const halved = (m: ReturnType<typeof buildModel>, y: string) =>
      m.op("Mul", [y, m.parameter("half", [], Float32Array.of(0.5))], {}, "z");
    const path = await save(folder, linear(halved));
    const json = JSON.parse((await cli("inspect", path, "--json")).out);
    const trained = json.parameters.map((p: { name: string; trainable: boolean }) => [
      p.name,
      p.trainable,
    ]);
    assert.deepEqual(trained, [["w", true], ["b", true], ["half", false]]);
    assert.deepEqual([json.totals.parameters, json.totals.trainable], [4, 3]);
  }));

Deno.test("precond-onnx inspect lists nodes without a rule, and gradient refuses them", () =>
  inFolder(async (folder) => {
    const path = await save(folder, linear((m, y) => m.op("Det", [y], {}, "d")));
    const json = JSON.parse((await cli("inspect", path, "--json")).out);
    assert.deepEqual(json.missing, [{ operator: "Det", node: "d/Det" }]);
    const det = json.operators.find((o: { operator: string }) => o.operator === "Det");
    assert.deepEqual(det, {
      operator: "Det",
      count: 1,
      firstOrder: false,
      webgpu: false,
      webgl: false,
    });
    assert.match(json.targets.webgpu.why, /Det "d\/Det"/);

    const out = join(folder, "gradient.onnx");
    const refused = await cli("gradient", path, "-o", out, "--output", "d");
    assert.equal(refused.code, 1);
    assert.match(
      refused.err,
      /^Cannot differentiate the graph: no rule for 1 node .*Det "d\/Det"\n$/,
    );
    assert.deepEqual(await readdir(folder), ["model.onnx"]);
  }));

Deno.test("precond-onnx gradient writes a graph with the right gradient", () =>
  inFolder(async (folder) => {
    const path = await save(folder, linear());
    const out = join(folder, "gradient.onnx");
    const ended = await cli("gradient", path, "-o", out, "--loss", "mse", "--trainable", "/^w$/");
    assert.equal(ended.code, 0, ended.err);
    assert.match(ended.out, /outputs: loss, y, w_grad/);
    const type = DataType.FLOAT;
    // y = 3 + .5, label 1: ∂(y − 1)²/∂w = 2 · 2.5 x
    const results = await runModel(await read(out), {
      x: { dims: [1, 2], data: [1, 1], type },
      labels: { dims: [1, 1], data: [1], type },
      w: { dims: [2, 1], data: [1, 2], type },
    });
    assert.deepEqual(results["w_grad"]!.data, [5, 5]);
  }));

Deno.test("precond-onnx gradient writes every kind, for every target", () =>
  inFolder(async (folder) => {
    const path = await save(folder, linear());
    const kinds = { hessian: "w_hvp", "gauss-newton": "w_curvature", squares: "w_squares" };
    await Promise.all(
      Object.entries(kinds).map(async ([kind, output], k) => {
        const out = join(folder, `${kind}.onnx`);
        const target = ["cpu", "webgpu", "webgl"][k]!;
        const ended = await cli(
          ...["gradient", path, "-o", out, "--loss", "mse", "--kind", kind],
          ...["--target", target, "--size", "N=4"],
        );
        assert.equal(ended.code, 0, ended.err);
        const { graph } = await read(out);
        assert.ok(names(graph!.output).includes(output), `${kind}: ${names(graph!.output)}`);
      }),
    );
  }));

Deno.test("precond-onnx artifacts, then export, with other parameters", () =>
  inFolder(async (folder) => {
    const path = await save(folder, linear());
    const training = join(folder, "training");
    const made = await cli(
      "artifacts",
      path,
      "-o",
      training,
      "--loss",
      "mse",
      "--optimizer",
      "sgd",
    );
    assert.equal(made.code, 0, made.err);
    assert.deepEqual((await readdir(training)).sort(), [
      "checkpoint",
      "eval_model.onnx",
      "optimizer_model.onnx",
      "training_model.onnx",
    ]);

    const seen = JSON.parse((await cli("inspect", training, "--json")).out);
    assert.deepEqual(names(seen.inputs), ["x", "labels"]);
    assert.equal(seen.totals.trainable, 3);
    const alone = await cli("inspect", join(training, "training_model.onnx"));
    assert.match(alone.out, /is the training model of artifacts, give their folder/);
    assert.doesNotMatch(alone.out, /│ yes *│\n.*│ FLOAT/);
    const model = join(training, "training_model.onnx");
    assert.equal(JSON.parse((await cli("inspect", model, "--json")).out).totals.trainable, 0);
    const again = join(folder, "again.onnx");
    const other = await cli("gradient", training, "-o", again, "--loss", "mse", "--labels", "t");
    assert.equal(other.code, 2);
    assert.match(other.err, /has its own loss; name what another one compares by --prediction/);
    const grown = await cli("gradient", training, "-o", again, "--kind", "gauss-newton");
    assert.equal(grown.code, 0, grown.err);
    assert.deepEqual(names((await read(again)).graph!.output), [
      "loss",
      "w_grad",
      "b_grad",
      "w_curvature",
      "b_curvature",
    ]);

    const checkpoint = join(training, "checkpoint");
    const { parameters } = await readCheckpointFile(checkpoint);
    await writeCheckpointFile(checkpoint, {
      parameters: parameters.map((t) =>
        t.name === "w" ? makeTensor("w", DataType.FLOAT, [2, 1], Float32Array.of(7, 8)) : t
      ),
    });
    const trained = join(folder, "trained.onnx");
    const w = async () => [...tensorData(
      (await read(trained)).graph!.initializer.find((t) => t.name === "w")!,
    )];
    const unnamed = await cli("export", training, "-o", trained);
    assert.equal(unnamed.code, 1);
    assert.match(unnamed.err, /has no output besides the loss .*--outputs/);
    for (const from of [[training, "--outputs", "y"], [path, "--checkpoint", checkpoint]]) {
      const ended = await cli("export", ...from, "-o", trained);
      assert.equal(ended.code, 0, ended.err);
      assert.deepEqual(await w(), [7, 8]);
      const { graph } = await read(trained);
      assert.deepEqual([names(graph!.input), names(graph!.output)], [["x"], ["y"]]);
      await rm(trained);
    }

    await rename(checkpoint, join(training, "checkpoint.ckpt"));
    assert.equal((await cli("inspect", training)).code, 0);
    assert.equal((await cli("export", training, "--outputs", "y", "-o", trained)).code, 0);
    assert.deepEqual(await w(), [7, 8]);
  }));

Deno.test("precond-onnx reads data files, and writes them for such models", () =>
  inFolder(async (folder) => {
    const path = join(folder, "model.onnx");
    const externalData = { location: "weights.bin", threshold: 1 };
    const { bytes, data } = writeModel(linear(), { externalData });
    await Promise.all([writeFile(path, bytes), writeFile(join(folder, "weights.bin"), data)]);
    const json = JSON.parse((await cli("inspect", path, "--json")).out);
    assert.equal(json.totals.parameterBytes, 12);
    const out = join(folder, "gradient.onnx");
    const ended = await cli(
      ...["gradient", path, "-o", out, "--loss", "mse", "--parameters", "constants"],
    );
    assert.equal(ended.code, 0, ended.err);
    // So few bytes stay in the model.
    assert.deepEqual((await readdir(folder)).sort(), [
      "gradient.onnx",
      "model.onnx",
      "weights.bin",
    ]);
    await rm(join(folder, "weights.bin"));
    const lost = await cli("gradient", path, "-o", out, "--loss", "mse");
    assert.equal(lost.code, 1);
    assert.match(lost.err, /^Cannot .*weights\.bin/);
    // Shapes and names are in the model.
    const words = await cli("inspect", path);
    assert.equal(words.code, 0, words.err);
    assert.match(words.out, /w +│ FLOAT │ \[2, 1\] │ 8 B +│ yes/);
    assert.match(words.out, /data file "weights\.bin" is not there/);
    assert.match(words.out, /Forward pass on webgl: not known without "weights\.bin"/);
  }));

Deno.test("precond-onnx says what it cannot use in one line, without a stack", () =>
  inFolder(async (folder) => {
    const path = join(folder, "broken.onnx");
    await writeFile(path, new Uint8Array([0xff, 0xff]));
    const missing = join(folder, "none.onnx");
    for (
      const [file, message] of [
        [path, /^Cannot read the model: [^()]*\(byte \d+ of \d+\)\n$/],
        [missing, /^Cannot open ".*none\.onnx": it does not exist\n$/],
        [
          folder,
          /^Cannot read the folder ".*" as training artifacts: it has no training_model\.onnx;/,
        ],
        ["", /^Cannot read a file: its path is empty; give one\n$/],
      ] as const
    ) {
      const { code, out, err } = await cli("inspect", file);
      assert.deepEqual([code, out], [1, ""]);
      assert.match(err, message);
    }
  }));

Deno.test("precond-onnx exits with 2 for wrong usage and with 0 for help", async () => {
  const usages: [args: string[], message: RegExp][] = [
    [[], /Usage: precond-onnx/],
    [["train"], /unknown command 'train'/],
    [["inspect"], /missing required argument 'model'/],
    [["gradient", "m.onnx", "-o", "g.onnx"], /give either --loss or --output/],
    [["gradient", "m.onnx", "-o", "g.onnx", "--loss", "hinge"], /Allowed choices are crossEntropy/],
    [["gradient", "m.onnx", "-o", "g.onnx", "--loss", "mse", "--size", "N"], /whole number/],
    [["gradient", "m.onnx", "-o", "g.onnx", "--loss", "mse", "--trainable", "/(/"], /regular/],
    [["gradient", "m", "-o", "g", "--output", "l", "--labels", "t"], /cannot be used with/],
    [["export", "m.onnx", "-o", "t.onnx"], /give --checkpoint/],
    [
      ["export", "m.onnx", "-o", "", "--checkpoint", "c"],
      /'' is invalid. it is empty; give the path/,
    ],
  ];
  for (const [args, message] of usages) {
    const { code, err } = await cli(...args);
    assert.equal(code, 2, `${args.join(" ")}: ${err}`);
    assert.match(err, message);
  }
  for (const command of [[], ["inspect"], ["gradient"], ["artifacts"], ["export"]]) {
    const { code, out } = await cli(...command, "--help");
    assert.equal(code, 0);
    assert.match(out, /Usage: precond-onnx[\s\S]*Examples:/);
  }
});

Deno.test("precond-onnx --help says what each option that takes a value is without it", async () => {
  for (const command of ["inspect", "gradient", "artifacts", "export"]) {
    const { out } = await cli(command, "--help");
    const listed = out.slice(out.indexOf("\nOptions:\n") + 10).split("\n\n")[0]!;
    // A new option begins with two spaces and a dash; what follows it is broken into lines.
    const options = listed.split(/\n {2}(?=-)/).map((text) => text.replace(/\s+/g, " ").trim());
    assert.ok(options.length > 2);
    const silent = options.filter((text) => /^\S+(, \S+)? </.test(text))
      .filter((text) => !/\(required\)|default: /.test(text));
    assert.deepEqual(silent, [], command);
  }
});

Deno.test("precond-onnx --version says the version of its package", async () => {
  const manifest = fileURLToPath(new URL("../package.json", import.meta.url));
  const { version } = JSON.parse(await readFile(manifest, "utf8"));
  const { code, out, err } = await cli("--version");
  assert.deepEqual({ code, out, err }, { code: 0, out: `${version}\n`, err: "" });
});

Deno.test("The version is found above the built program, past other packages, or unknown", () =>
  inFolder(async (folder) => {
    const built = join(folder, "dist", "cli");
    await mkdir(built, { recursive: true });
    const here = pathToFileURL(join(built, "version.js")).href;
    const put = (at: string, manifest: unknown) =>
      writeFile(join(at, "package.json"), JSON.stringify(manifest));
    await put(join(folder, "dist"), { type: "module" });
    assert.equal(packageVersion(here), "unknown");
    await put(folder, { name: "@precond/onnx", version: "1.2.3" });
    assert.equal(packageVersion(here), "1.2.3");
  }));
