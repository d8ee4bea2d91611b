import assert from "node:assert/strict";
import { join } from "node:path";
import { saver } from "./saver.ts";

Deno.test("saver() writes what is there when it is flushed, and can again where it could not", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const path = join(folder, "in", "rows.json");
    let text = "a";
    await Deno.writeTextFile(join(folder, "in"), "no folder");
    const file = saver(path, () => text);
    file.changed();
    await assert.rejects(file.flush());
    await Deno.remove(join(folder, "in"));
    text = "b";
    await file.flush();
    assert.equal(await Deno.readTextFile(path), "b");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
