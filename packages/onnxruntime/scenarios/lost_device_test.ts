import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";

const adapter = await navigator.gpu?.requestAdapter();
const script = fileURLToPath(new URL("./lost_device.ts", import.meta.url));
const actions: Readonly<Record<string, string>> = {
  step: "step",
  evaluate: "evaluate",
  save: "save",
  parameter: "read a parameter",
  exportModel: "export the model",
};

for (const running of ["none", "step", "evaluate", "save"]) {
  Deno.test({
    name: `A device that is lost ${
      running === "none" ? "between calls" : `during ${running}()`
    } ends every call with its reason`,
    ignore: !adapter,
    async fn() {
      const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", "--no-check", script, running],
        // The script gives up on each call after 30 seconds; this is for what blocks it.
        signal: AbortSignal.timeout(120_000),
      }).output();
      assert.ok(success, new TextDecoder().decode(stderr));
      const result = JSON.parse(new TextDecoder().decode(stdout).trim().split("\n").at(-1)!);
      const expected = (name: string) =>
        name === "release" ? /^resolves$/ : new RegExp(
          `^Error: Cannot ${actions[name]}: the WebGPU device is lost \\(.+\\); ` +
            "create a new trainer and load\\(\\) the last saved state$",
        );
      assert.equal(result.endings.length, running === "none" ? 6 : 7);
      for (const [name, ending] of result.endings) assert.match(ending, expected(name), name);
      assert.ok(result.restored, "the saved state is not what the trainer had");
      assert.equal(result.cpu, "resolves");
      assert.equal(result.gpu, "resolves");
    },
  });
}
