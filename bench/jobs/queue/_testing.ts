/**
 * Helpers of these tests: a Redis server of their own.
 *
 * @module
 */
import { createServer } from "node:net";
import type { Surroundings } from "../../device.ts";
import { planOf } from "../../protocol.ts";
import { type Results, schemaVersion } from "../../rows.ts";
import { cellsOf, type Request, sort } from "../../suite.ts";
import { hereLane } from "../here.ts";
import type { Lane } from "../lane.ts";
import { schedule } from "../schedule.ts";

async function findServer(): Promise<boolean> {
  try {
    return (await new Deno.Command("redis-server", { args: ["--version"] }).output()).success;
  } catch {
    return false;
  }
}

// CI has a server: there it must not be missing.
const ignore = Deno.env.get("CI") !== "true" && !(await findServer());

/** A port that was free a moment ago. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

/** A server that keeps nothing, until `use` is over. */
export async function withServer(
  use: (address: string) => Promise<void>,
  ...options: string[]
): Promise<void> {
  const folder = await Deno.makeTempDir();
  const port = await freePort();
  const server = new Deno.Command("redis-server", {
    args: ["--port", `${port}`, "--bind", "127.0.0.1", "--dir", folder]
      .concat(["--save", "", "--appendonly", "no"], options),
    stdout: "piped",
    stderr: "null",
  }).spawn();
  try {
    let said = "";
    for await (const text of server.stdout.values({ preventCancel: true })) {
      said += new TextDecoder().decode(text);
      if (said.includes("Ready to accept connections")) break;
    }
    if (!said.includes("Ready")) throw new Error(`Cannot start redis-server: ${said}`);
    await use(`redis://127.0.0.1:${port}`);
  } finally {
    server.kill("SIGKILL");
    await server.stdout.cancel();
    await server.status;
    await Deno.remove(folder, { recursive: true });
  }
}

/** A test with a server of its own. */
export function serverTest(
  name: string,
  use: (address: string) => Promise<void>,
  ...options: string[]
): void {
  Deno.test({
    name: ignore ? `${name} (there is no redis-server; Debian's package has that name)` : name,
    ignore,
    // Connections that are told to close are closed by the next turns of the event loop.
    sanitizeOps: false,
    sanitizeResources: false,
    fn: () => withServer(use, ...options),
  });
}

/** Runs what is asked for on a lane, to results in the order of the suite. */
export async function resultsOf(request: Request, lane: Lane): Promise<Results> {
  const results: Results = { schemaVersion, command: "", rows: [], sensitivity: [] };
  const listener = { starting() {}, finished() {}, changed() {} };
  const plans = cellsOf(request).map((cell) => planOf(cell, results, { ...request, ...listener }));
  await schedule(plans, [lane], listener);
  sort(results, request);
  return results;
}

/** The same without a queue. */
export function localResults(request: Request, surroundings: Surroundings): Promise<Results> {
  const breathe = () => Promise.resolve();
  const placed = cellsOf(request).map((cell) => ({ cell }));
  return resultsOf(request, hereLane(placed, { surroundings, breathe }));
}

/** Results without what no two runs have in common. */
export function withoutSeconds(results: Results): Results {
  const rows = results.rows.map((row) => ({
    ...row,
    secondsToTarget: row.secondsToTarget === null ? null : 0,
  }));
  return { ...results, rows };
}
