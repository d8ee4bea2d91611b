import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";

/** Runs an example and finds the test losses that it prints, by name. */
export async function lossesOf(url: URL): Promise<[name: string, loss: number][]> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", fileURLToPath(url)],
  }).output();
  const text = new TextDecoder();
  assert.equal(code, 0, text.decode(stderr));
  const lines = text.decode(stdout).matchAll(/^(.+): test loss ([\d.]+)/gm);
  return [...lines].map(([, name, loss]) => [name!, Number(loss)]);
}
