import assert from "node:assert/strict";
import { runTests } from "./_run_tests.ts";

/** The exit code of a program, and what runTests() says of it. */
async function watched(program: string, quiet: number): Promise<[code: number, said: string]> {
  const { error } = console;
  let said = "";
  console.error = (text: string) => void (said += text);
  try {
    return [await runTests(Deno.execPath(), ["eval", program], quiet), said];
  } finally {
    console.error = error;
  }
}

Deno.test("runTests() ends tests of which none finishes, and names the one that is running", async () => {
  const remind = `console.log("'it hangs' has been running for over (1m0s)")`;
  const [code, said] = await watched(`setInterval(() => ${remind}, 50)`, 3000);
  assert.notEqual(code, 0);
  assert.match(said, /no test has finished for 0\.05 minutes; still running: "it hangs"$/);
});

Deno.test("runTests() ends what does not end by itself", async () => {
  const [code] = await watched(`Deno.addSignalListener("SIGINT", () => {}); for (;;);`, 2000);
  assert.notEqual(code, 0);
});

Deno.test("runTests() leaves alone what prints now and then, and returns its exit code", async () => {
  const program = `let n = 0;
    setInterval(() => { Deno.stdout.writeSync(Uint8Array.of(46)); if (++n === 30) Deno.exit(3); }, 200);`;
  assert.deepEqual(await watched(program, 5000), [3, ""]);
});
