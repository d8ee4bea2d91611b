import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { main } from "./main.ts";
import { methods } from "./methods.ts";
import { type Results, schemaVersion } from "./rows.ts";

const program = fileURLToPath(new URL("./main.ts", import.meta.url));

function start(args: string[]): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", program, ...args],
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

async function bench(...args: string[]): Promise<{ code: number; out: string; errors: string }> {
  const { code, stdout, stderr } = await start(args).output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, out: decode(stdout), errors: decode(stderr) };
}

async function inFolder(
  test: (files: string[], read: () => Promise<Results>) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  const json = join(folder, "results.json");
  try {
    const files = ["--json", json, "--html", join(folder, "report.html")];
    await test(files, async () => JSON.parse(await Deno.readTextFile(json)));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("an unknown method ends with code 2 and the valid ones", async () => {
  const { code, errors } = await bench("--method", "nope");
  assert.equal(code, 2);
  for (const { name } of methods) assert.ok(errors.includes(name), errors);
});

Deno.test("methods that fit none of the problems end with code 2", async () => {
  const { code, errors } = await bench("--method", "snr-oracle", "--problem", "mlp");
  assert.equal(code, 2);
  assert.match(errors, /None of these methods applies/);
});

Deno.test("a tiny run has rows, table and report; --resume goes on with it", async () => {
  await inFolder(async (files, read) => {
    const small = [
      ...["--problem", "B,rotated", "--method", "sgd,curvature", "--workers", "2"],
      ...files,
    ];
    const first = await bench(...small, "--seeds", "2");
    assert.equal(first.code, 0, first.errors);
    assert.match(first.out, /curvature only, H⁻¹ \(\d\S*\) wins; next: SGD/);
    assert.match(first.out, /2 of 2 predictions inside/);

    const before = await read();
    assert.equal(before.schemaVersion, schemaVersion);
    assert.match(before.command, /^deno run -A bench\/main.ts --problem B,rotated/);
    assert.equal(before.rows.length, 2 * 2 * 2);
    assert.equal(before.sensitivity.length, 2 * 2);
    for (const row of before.rows) {
      assert.ok(row.commit === null || /^[0-9a-f]{40}$/.test(row.commit));
      assert.ok(["none", "curvature"].includes(row.mode));
      assert.ok(row.learningRate > 0 && row.finalTrainLoss! >= 0);
      assert.equal(row.finalTestLoss, null);
      assert.equal(row.bestTestLoss, null);
      assert.ok(row.device.cores >= 1 && row.device.cpu !== "" && row.device.os !== "");
      assert.equal(row.versions.deno, Deno.version.deno);
      assert.equal(row.workers, 2);
      assert.equal(row.prediction === null, row.problem === "rotated");
      assert.equal(row.curve.step.length, row.curve.trainLoss.length);
    }
    const newton = before.rows.find((r) => r.problem === "B" && r.method === "curvature")!;
    assert.deepEqual([newton.batchSize, newton.backend], [1, "javascript"]);
    // Rates near 1, which is Newton's: (1 − .9)² is the target of 1 % to the dot.
    assert.ok(newton.stepsToTarget! <= 2);
    assert.equal(newton.examplesToTarget, newton.stepsToTarget);
    assert.ok(newton.secondsToTarget! > 0);

    const page = await Deno.readTextFile(files[3]!);
    assert.ok(page.includes("<svg"));
    const links = [...page.matchAll(/https?:\/\/[^\s"'<>)]+/g)].map(([link]) => link);
    assert.deepEqual([...new Set(links)], ["http://www.w3.org/2000/svg"]);
    assert.doesNotMatch(page, /<(link|img|iframe)\b|<script [^>]*src|@import|url\((?!#)/);

    const second = await bench(...small, "--seeds", "3", "--resume");
    assert.equal(second.code, 0, second.errors);
    const after = await read();
    // Rows with their measured seconds: nobody measures the same twice.
    assert.deepEqual(after.rows.filter(({ seed }) => seed <= 2), before.rows);
    assert.deepEqual(after.sensitivity, before.sensitivity);
    assert.deepEqual(after.rows.map(({ seed }) => seed), [1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3]);
  });
});

Deno.test("a network row comes from tfjs", async () => {
  await inFolder(async (files, read) => {
    const small = ["--problem", "sparse-logistic", "--method", "adam,precond-adam", "--seeds", "1"];
    const { code, errors } = await bench(...small, "--workers", "1", ...files);
    assert.equal(code, 0, errors);
    const { rows } = await read();
    assert.deepEqual(
      [...new Set(rows.map((row) => row.implementation))],
      ["@tensorflow/tfjs-core", "@precond/tfjs"],
    );
    for (const row of rows) {
      assert.deepEqual([row.backend, row.workers], ["wasm", 1]);
      assert.equal(row.batchSize, 16);
      assert.ok(row.bestTestLoss! <= row.finalTestLoss!);
      assert.ok(row.finalTestAccuracy! > 0.5);
    }
    // The same Adam, on the same seed, at the same rate, to float32 rounding.
    const [theirs, ours] = ["adam", "precond-adam"].map((name) =>
      rows.find((r) => r.method === name && r.selection === "finalValidation")!
    );
    assert.equal(ours!.learningRate, theirs!.learningRate);
    assert.ok(Math.abs(ours!.finalTrainLoss! - theirs!.finalTrainLoss!) < 1e-3);
  });
});

Deno.test("Ctrl-C keeps the finished rows", async () => {
  await inFolder(async (files, read) => {
    const child = start(["--full", "--problem", "A,B,C,D", "--method", "sgd,adam", ...files]);
    const ended = child.output();
    while (!await Deno.stat(files[1]!).then(() => true, () => false)) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    child.kill("SIGINT");
    const { code, stdout } = await ended;
    assert.equal(code, 130);
    assert.match(new TextDecoder().decode(stdout), /interrupted; go on with --resume/);
    const { rows } = await read();
    assert.ok(rows.length > 0 && rows.length < 4 * 2 * 5);
    assert.match(await Deno.readTextFile(files[3]!), /Interrupted: only finished rows are shown/);
  });
});

Deno.test("--resume on what is no file of rows ends with a message and code 2", async () => {
  const folder = await Deno.makeTempDir();
  const { error } = console;
  const said: string[] = [];
  console.error = (message) => void said.push(message);
  try {
    const row = { schemaVersion: 1, command: "", rows: [{ problem: "A" }], sensitivity: [] };
    for (const text of ["{", "[]", JSON.stringify(row)]) {
      const file = join(folder, "rows.json");
      await Deno.writeTextFile(file, text);
      assert.equal(
        await main(["--problem", "A", "--method", "sgd", "--resume", "--json", file]),
        2,
      );
      assert.equal(await Deno.readTextFile(file), text);
    }
    assert.deepEqual(said.map((text) => /^Cannot resume: ".*" (.*)$/.exec(text)?.[1]), [
      "is not JSON",
      "has schema version undefined, expected 1",
      "has a row without a curve",
    ]);
  } finally {
    console.error = error;
    await Deno.remove(folder, { recursive: true });
  }
});
