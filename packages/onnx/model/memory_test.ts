import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { MemoryReport } from "./_testing.ts";

Deno.test("reading a model of 256 MiB adds less than 5 % to its file", () => {
  const program = fileURLToPath(new URL("./_testing.ts", import.meta.url));
  const stdout = execFileSync(Deno.execPath(), ["run", "-A", "--no-check", program]);
  const { size, buffers, heap }: MemoryReport = JSON.parse(stdout.toString());
  assert.ok(buffers + heap < 0.05 * size, `${buffers} bytes of buffers, ${heap} of heap`);
});
