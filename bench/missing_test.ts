// The programs where what a backend needs is missing, or what is asked for is not there.
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";

// The API of another system's drivers, so that there is no adapter.
const foreign = Deno.build.os === "darwin" ? "dx12" : "metal";

const cases = [
  ["webgl", { CHROME_PATH: "/none/chromium" }, /Cannot run webgl: there is no Chromium/],
  ["webgpu", { DENO_WEBGPU_BACKEND: foreign }, /Cannot run webgpu: there is no adapter/],
] as const;

for (const program of ["main.ts", "overhead.ts", "step.ts"]) {
  for (const [backend, env, message] of cases) {
    Deno.test(`${program} ends with code 2 and names what ${backend} misses`, async () => {
      const path = fileURLToPath(new URL(program, import.meta.url));
      const only = program === "main.ts" ? ["--problem", "mlp"] : [];
      const { code, stderr } = await new Deno.Command(Deno.execPath(), {
        // The backend that is there must not be measured first and then lost.
        args: ["run", "-A", path, "--backend", `wasm,${backend}`, ...only],
        env,
      }).output();
      assert.equal(code, 2);
      assert.match(new TextDecoder().decode(stderr), message);
    });
  }
}

Deno.test("onnxruntime.ts ends with code 2 and names what webgpu misses", async () => {
  const path = fileURLToPath(new URL("onnxruntime.ts", import.meta.url));
  const ended = async (...args: string[]) => {
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", path, ...args],
      env: { DENO_WEBGPU_BACKEND: foreign },
    }).output();
    assert.equal(code, 2);
    return new TextDecoder().decode(stderr);
  };
  assert.match(await ended("--provider", "cpu,webgpu"), /Cannot run webgpu: there is no adapter/);
  assert.match(await ended("--provider", "webgpu", "--runtime", "node"), /webgpu in node/);
  assert.match(await ended("--provider", "webgl"), /unknown provider "webgl"; valid: cpu, wasm/);
});

for (const program of ["jaxjs.ts", "training_memory.ts", "wasm_training.ts"]) {
  Deno.test(`${program} ends with code 2 and names the option that it does not have`, async () => {
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", fileURLToPath(new URL(program, import.meta.url)), "--smples", "5"],
    }).output();
    assert.equal(code, 2);
    assert.match(new TextDecoder().decode(stderr), /^unknown option '--smples'/m);
  });
}
