// Gradient graphs of whole networks on WebGL, in Chromium.
import { type Page, pageTest } from "@precond/testing/browser";
import { writeModel } from "../model/read_model.ts";
import { close, fedAs, runOnCpu } from "./_testing.ts";
import { legalize } from "./legalize.ts";
import { cases, modelsOf } from "./scenarios/cases.ts";
import { losses, type Subject, subjects } from "./scenarios/networks.ts";
import type * as Exports from "./scenarios/webgl_page.ts";

const options = { entry: new URL("./scenarios/webgl_page.ts", import.meta.url) };

async function check(
  page: Page<typeof Exports>,
  { model, feeds, sizes = {} }: Pick<Subject, "model" | "feeds"> & Partial<Subject>,
  what: string,
): Promise<void> {
  const { model: legal, inputs } = legalize(model, "webgl", { sizes });
  const fed = Object.fromEntries(
    Object.entries(fedAs(feeds, inputs)).map(([input, { dims, data }]) => [
      input,
      { type: "float32" as const, dims, data },
    ]),
  );
  const actual = await page.call("runOnWebgl", Array.from(writeModel(legal)), fed);
  close(actual, await runOnCpu(model, feeds), 1e-4, what);
}

pageTest<typeof Exports>(
  "Legal gradient graphs run on WebGL in Chromium with the CPU's gradients",
  options,
  async (page, t) => {
    // Beside the products stand the loss and the gradient; the other losses end a network alike.
    const first = subjects(losses).filter(({ name }) => name.startsWith("MLP"));
    const all = [...first, ...subjects([{ type: "crossEntropy", ignoreIndex: -100 }], true)];
    for (const subject of all) await t.step(subject.name, () => check(page, subject, subject.name));
  },
);

pageTest<typeof Exports>(
  "Legal graphs of every operator run on WebGL in Chromium",
  options,
  async (page, t) => {
    // A GPU's own sine is as good as its maker likes: SwiftShader's is off by 2e-4.
    const run = cases.filter((c) => c.name !== "Sin" && c.refused?.includes("webgl") !== true);
    for (const test of run) {
      await t.step(test.name, async () => {
        // Beside the product stands the gradient.
        const models = modelsOf(test).filter(({ what }) => what !== "gradient");
        for (const one of models) await check(page, one, one.what);
      });
    }
  },
);
