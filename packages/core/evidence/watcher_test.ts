import { assertAllClose } from "@precond/testing";
import assert from "node:assert/strict";
import { chain } from "../chain/chain.ts";
import { scaleBy } from "../chain/scale_by.ts";
import { arrayBackend } from "../driver/array_backend.ts";
import { createDriver } from "../driver/driver.ts";
import { signalFraction } from "../estimators/mod.ts";
import { learningRate } from "../transforms/mod.ts";
import type { TelemetryOptions, TelemetryReport } from "./report.ts";
import { createWatcher } from "./watcher.ts";

/** A driver and a watcher over one parameter; `fails` names what throws. */
function watching(
  options: Partial<TelemetryOptions>,
  fails?: "copy" | "kernel" | "read" | "reject" | "dispose",
) {
  const inner = arrayBackend();
  const boom = () => {
    throw new Error(`${fails} failed`);
  };
  let armed = false;
  const backend: typeof inner = {
    ...inner,
    copy: (calls) => fails === "copy" ? boom() : inner.copy(calls),
    dispose: (array) => fails === "dispose" && armed ? boom() : inner.dispose(array),
    compile(program) {
      const kernel = inner.compile(program);
      return {
        run: (calls) => fails === "kernel" && armed ? boom() : kernel.run(calls),
      };
    },
  };
  const driver = createDriver(chain(scaleBy(signalFraction()), learningRate(0.5)), backend);
  const errors: string[] = [], reports: TelemetryReport[] = [];
  const watcher = createWatcher({
    backend,
    driver,
    readNumbers(arrays) {
      if (fails === "read") boom();
      if (fails === "reject") return Promise.reject(new Error("reject failed"));
      return Promise.resolve(arrays.map((a) => a[0]!));
    },
  }, {
    onReport: (report) => void reports.push(report),
    onError: (error) => void errors.push((error as Error).message),
    ...options,
  });
  const weights = Float32Array.of(1, 1);
  const step = async (gradient: Float32Array) => {
    const parameter = { name: "w", shape: [2], weights };
    const due = watcher.before([parameter]) !== undefined;
    driver.step([{ ...parameter, gradient }]);
    armed = true;
    await watcher.after({ parameters: [{ ...parameter, gradient }], batchSize: 4 });
    armed = false;
    return due;
  };
  return { step, errors, reports, watcher };
}

Deno.test("createWatcher() reports every k-th update", async () => {
  const { step, reports, errors } = watching({ every: 2 });
  const due = [];
  for (const g of [[3, 4], [3, 4], [3, 4]]) due.push(await step(Float32Array.from(g)));
  assert.deepEqual(due, [false, true, false]);
  assert.deepEqual(errors, []);
  assert.deepEqual(reports.map(({ iteration }) => iteration), [2]);
  // Without noise T = 1: .5 · ‖(3, 4)‖.
  assertAllClose([reports[0]!.updateNorm], [2.5], { relative: 1e-6 });
  assert.equal(reports[0]!.variables.w!.size, 2);
});

for (const fails of ["copy", "kernel", "read", "reject", "dispose"] as const) {
  Deno.test(`createWatcher(): where a ${fails} fails, onError hears of it and the step goes on`, async () => {
    const { step, errors } = watching({ every: 1 }, fails);
    await step(Float32Array.of(1, 1));
    await step(Float32Array.of(1, 1));
    assert.ok(errors.length >= 2);
    assert.deepEqual([...new Set(errors)], [`${fails} failed`]);
  });
}

Deno.test("createWatcher(): what onReport throws goes to onError, what that throws to the console", async () => {
  const { error } = console;
  const printed: unknown[] = [];
  console.error = (e) => void printed.push((e as Error).message);
  const raise = (message: string) => () => {
    throw new Error(message);
  };
  try {
    const { step } = watching({ every: 1, onReport: raise("report"), onError: raise("handler") });
    await step(Float32Array.of(1, 1));
  } finally {
    console.error = error;
  }
  assert.deepEqual(printed, ["handler"]);
});

Deno.test("createWatcher(): callbacks whose promises are rejected are heard of, too", async () => {
  const { error } = console;
  const printed: unknown[] = [];
  console.error = (e) => void printed.push((e as Error).message);
  try {
    const late = (message: string) => async () => {
      await Promise.resolve();
      throw new Error(message);
    };
    const heard = watching({ every: 1, onReport: late("report") });
    await heard.step(Float32Array.of(1, 1));
    const unheard = watching({ every: 1, onReport: late("report"), onError: late("handler") });
    await unheard.step(Float32Array.of(1, 1));
    await new Promise((done) => setTimeout(done, 0));
    assert.deepEqual(heard.errors, ["report"]);
    assert.deepEqual(printed, ["handler"]);
  } finally {
    console.error = error;
  }
});

Deno.test("createWatcher() refuses options that it does not know, or out of range", () => {
  const refused = (options: object) => () => watching(options as TelemetryOptions);
  assert.throws(refused({ every: 0 }), { name: "RangeError" });
  assert.throws(refused({ evry: 1 }), { name: "TypeError", message: /did you mean every\?/ });
  assert.throws(refused({ onReport: "log" }), { name: "TypeError" });
});
