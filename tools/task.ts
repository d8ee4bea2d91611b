/** Runs one of the workspace's tasks: `deno task <name> …`, which comes here by way of provision.ts. */
import {
  build,
  deno,
  example,
  type Outcome,
  pack,
  type Stage,
  testBrowser,
  testBuilt,
  testDoc,
  testPack,
  testUnit,
} from "./_stages.ts";

const STAGES: Readonly<Record<string, Stage>> = {
  "fmt": deno("fmt", "--check"),
  "lint": deno("lint"),
  "check": deno("check"),
  "test:unit": testUnit,
  "test:doc": testDoc,
  "test:browser": testBrowser,
  "build": build,
  "publish:dry": deno("publish", "--dry-run", "--allow-dirty"),
  "bench": deno("run", "-A", "bench/main.ts"),
  "bench:overhead": deno("run", "-A", "bench/overhead.ts"),
  "bench:products": deno("run", "-A", "bench/products.ts"),
  "bench:step": deno("run", "-A", "bench/step.ts"),
  "bench:wasm": deno("run", "-A", "bench/wasm_training.ts"),
  "bench:jaxjs": deno("run", "-A", "bench/jaxjs.ts"),
  "bench:onnx": deno("run", "-A", "bench/onnx.ts"),
  "bench:onnxruntime": deno("run", "-A", "bench/onnxruntime.ts"),
  "operators:write": deno("run", "-A", "packages/onnx/tools/operator_table.ts"),
  "proto:write": deno("run", "-A", "packages/onnx/tools/message_fields.ts"),
  "layers:write": deno("run", "-A", "packages/tfjs/gradients/scenarios/layer_table.ts"),
  "measured:write": async () => {
    const { code } = await deno("run", "-A", "bench/measured.ts")([]);
    return code === 0
      ? await deno("fmt", "README.md", "docs/which_optimizer.md", "docs/benchmark.md")([])
      : { code };
  },
  "options:write": async () => {
    const { code } = await deno("run", "-A", "tools/options.ts")([]);
    return code === 0 ? await deno("fmt", "docs/options.md")([]) : { code };
  },
  "example": example,
  "site": deno("run", "-A", "site/build.ts"),
  "site:serve": deno("run", "-A", "site/serve.ts"),
  "site:screenshots": deno("run", "-A", "site/screenshots.ts"),
  "pack": pack,
  "manifests": deno("run", "-A", "tools/manifests.ts"),
  "manifests:write": deno("run", "-A", "tools/manifests.ts", "--write"),
};

interface Row extends Outcome {
  readonly name: string;
  readonly seconds: number;
}

async function perform(name: string, stage: Stage, args: readonly string[] = []): Promise<Row> {
  console.error(`\n== ${name}`);
  const start = performance.now();
  const outcome = await stage(args);
  return { ...outcome, name, seconds: (performance.now() - start) / 1000 };
}

function summarize(rows: readonly Row[]): void {
  console.log();
  for (const { name, code, seconds } of rows) {
    console.log(`${code === 0 ? "ok    " : "FAILED"} ${name.padEnd(12)} ${seconds.toFixed(1)} s`);
  }
}

/** Stops at the first stage that fails. */
async function ok(): Promise<number> {
  const rows: Row[] = [];
  for (
    const name of ["fmt", "lint", "check", "test:unit", "test:doc", "build", "publish:dry"]
  ) {
    rows.push(await perform(name, STAGES[name]!));
    if (rows.at(-1)!.code !== 0) break;
  }
  summarize(rows);
  return rows.at(-1)!.code;
}

/** Runs every test whatever fails; a stage that is no test counts as a failed test if it fails. */
async function test(): Promise<number> {
  const rows = [
    // Compilers keep one core busy each.
    ...await Promise.all([
      perform("check", STAGES["check"]!),
      perform("test:doc", testDoc),
      perform("build", build),
    ]),
    await perform("test:unit", testUnit),
    await perform("test:built", testBuilt),
  ];
  summarize(rows);
  const tallies = rows.map((r) => r.tally ?? { passed: 0, failed: r.code === 0 ? 0 : 1 });
  const total = (key: "passed" | "failed") => tallies.reduce((sum, t) => sum + t[key], 0);
  console.log(`\n${total("passed")} passed, ${total("failed")} failed`);
  return rows.find((r) => r.code !== 0)?.code ?? 0;
}

/** The slow test needs what `build` makes. */
async function packTest(args: readonly string[]): Promise<number> {
  const { code } = await build([]);
  return code === 0 ? (await testPack(args)).code : code;
}

async function main([name, ...args]: readonly string[]): Promise<number> {
  if ((name === "ok" || name === "test") && args.length > 0) {
    console.error(
      `Cannot run the task "${name}" with arguments: current value is ${args.join(" ")}`,
    );
    return 1;
  }
  if (name === "ok") return await ok();
  if (name === "test") return await test();
  if (name === "test:pack") return await packTest(args);
  const stage = STAGES[name ?? ""];
  if (stage) return (await stage(args)).code;
  const names = [...Object.keys(STAGES), "ok", "test", "test:pack"].join(", ");
  console.error(`Cannot run the task "${name ?? ""}": the tasks are ${names}`);
  return 1;
}

Deno.exit(await main(Deno.args));
