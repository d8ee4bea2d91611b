import assert from "node:assert/strict";
import { measuredPages, pageAt, withMeasured } from "./measured.ts";

/** `deno fmt` breaks lines anew and pads tables. */
const words = (text: string) => text.replace(/-{2,}/g, "-").split(/\s+/);

for (const [path, expected, part] of measuredPages()) {
  Deno.test(`${path} says what the recorded rows say${part ? ` (${part})` : ""}`, async () => {
    const text = await Deno.readTextFile(pageAt(path));
    assert.deepEqual(
      words(text),
      words(withMeasured(text, expected, part)),
      `${path} is out of date: deno task measured:write`,
    );
  });
}

Deno.test("withMeasured() replaces what is between the marks alone", () => {
  const marks = ["<!-- measured: deno task measured:write -->", "<!-- /measured -->"];
  assert.equal(
    withMeasured(`a\n${marks.join("\nold\n")}\nb\n`, "new"),
    `a\n${marks[0]}\n\nnew\n\n${marks[1]}\nb\n`,
  );
  assert.throws(() => withMeasured("no marks", ""), /Cannot write what was measured/);
});
