import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { swiftshader } from "./swiftshader.ts";

const none = () => undefined;

Deno.test({
  name: "swiftshader() takes the driver beside Chromium, unless VK_ICD_FILENAMES names one",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const folder = Deno.realPathSync(await Deno.makeTempDir({ prefix: "precond-icd-" }));
    try {
      const [browser, icd] = [join(folder, "chrome"), join(folder, "vk_swiftshader_icd.json")];
      for (const path of [browser, icd]) await Deno.writeTextFile(path, "{}");
      assert.deepEqual(swiftshader(none, browser), { env: { VK_ICD_FILENAMES: icd } });
      assert.deepEqual(swiftshader((name) => name === "VK_ICD_FILENAMES" ? "x" : "", browser), {
        env: {},
      });
      await Deno.remove(icd);
      const { env, missing } = swiftshader(none, browser);
      // Another Chromium's may be installed here.
      if (env.VK_ICD_FILENAMES) assert.ok(existsSync(env.VK_ICD_FILENAMES));
      else assert.ok(missing!.includes(icd), missing);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
