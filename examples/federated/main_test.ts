import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const main = fileURLToPath(new URL("main.ts", import.meta.url));

Deno.test("examples/federated: merged states lose less than fresh ones do", async () => {
  const { stdout } = await promisify(execFile)(Deno.execPath(), ["run", "-A", main, "12"]);
  const rounds = [...stdout.matchAll(/test loss ([\d.]+) with merged states, ([\d.]+) with fresh/g)]
    .map(([, merged, fresh]) => [Number(merged), Number(fresh)] as const);
  assert.equal(rounds.length, 12);
  // Nothing is merged before the first round: both begin alike, below ln 3, the loss of knowing nothing.
  assert.equal(rounds[0]![0], rounds[0]![1]);
  assert.ok(rounds[0]![0] < Math.log(3));
  // Adam's first steps have full length whatever the gradient: from fresh states all steps do.
  const [merged, fresh] = rounds.at(-1)!;
  assert.ok(merged < fresh && merged < rounds[0]![0], stdout);
});
