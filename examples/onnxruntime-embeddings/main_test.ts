import { readSafetensors } from "@precond/core/backend";
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { writeFiles } from "./_testing.ts";

const text = new TextDecoder();

async function run(args: readonly string[]): Promise<{ code: number; out: string; err: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", fileURLToPath(new URL("main.ts", import.meta.url)), ...args],
  }).output();
  return { code, out: text.decode(stdout), err: text.decode(stderr) };
}

Deno.test("examples/onnxruntime-embeddings: an adapter learns from pairs, and is saved and loaded", async () => {
  const folder = await Deno.makeTempDir({ prefix: "precond-" });
  try {
    const { model, tokenizer, sentences } = await writeFiles(folder);
    const adapter = join(folder, "adapter");
    const args = { model, tokenizer, sentences, folder: adapter, steps: "60", rate: "0.003" };
    const { code, out, err } = await run(
      Object.entries(args).flatMap(([name, value]) => [`--${name}`, value]),
    );
    assert.equal(code, 0, err);
    const scores = [...out.matchAll(/^(\w+): held-out .* apart (\d+) %.* margin (-?[\d.]+)/gm)];
    assert.deepEqual(scores.map(([, name]) => name), ["before", "after"]);
    const [[apart, margin], [apartAfter, marginAfter]] = scores.map((found) =>
      found.slice(2).map(Number)
    ) as [[number, number], [number, number]];
    // The weights are random: before, pairs are hardly told apart. By chance it is 50 %.
    assert.ok(apartAfter >= apart + 10, out);
    assert.ok(marginAfter > margin + 0.1, out);
    const [, difference] = /embeddings differ by (\S+)$/m.exec(out) ?? [];
    assert.ok(Number(difference) < 1e-6, out);

    const file = await Deno.readFile(join(adapter, "adapter_model.safetensors"));
    const names = [...readSafetensors(file).tensors.keys()];
    // Two of each of the six linear layers of two blocks, by PEFT's names.
    assert.equal(names.length, 24);
    assert.ok(
      names.includes(
        "base_model.model.encoder.layer.1.attention.self.query.lora_A.weight",
      ),
      names.join(),
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("examples/onnxruntime-embeddings says what is missing", async () => {
  const { code, err } = await run([]);
  assert.equal(code, 1);
  assert.match(err, /Cannot begin without a model: give\n[^]*\n {2}--model FILE\|URL/);
});
