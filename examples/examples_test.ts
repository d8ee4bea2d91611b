import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";

async function run(example: string): Promise<string> {
  const path = fileURLToPath(new URL(`${example}/main.ts`, import.meta.url));
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", path],
  }).output();
  const text = new TextDecoder();
  assert.equal(code, 0, text.decode(stderr));
  return text.decode(stdout);
}

const losses = (output: string) =>
  [...output.matchAll(/^(.+): test loss ([\d.]+)/gm)].map(([, name, loss]) => [name, Number(loss)]);

Deno.test("examples/core: SNR-only fits less of the noise than SGD", async () => {
  const found = losses(await run("core"));
  assert.deepEqual(found.map(([name]) => name), ["SGD", "SNR-only"]);
  const [sgd, snr] = found.map(([, loss]) => loss as number);
  // ln 2 = 0.693 is the loss of knowing nothing.
  assert.ok(snr! < sgd! && snr! < 0.693, `SGD ${sgd}, SNR-only ${snr}`);
});

Deno.test("examples/tfjs: trains, saves, loads and trains on", async () => {
  const found = losses(await run("tfjs"));
  assert.deepEqual(found.map(([name]) => name), [
    "tf.train.adam",
    "precond",
    "precond, loaded and trained on",
  ]);
  // ln 3 = 1.0986 is the loss of knowing nothing.
  for (const [name, loss] of found) assert.ok((loss as number) < 1.0986, `${name}: ${loss}`);
});
