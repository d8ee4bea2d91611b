/**
 * Helpers of these tests: a Redis server of their own.
 *
 * @module
 */
import { createServer } from "node:net";

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
  use: (address: string, server: Deno.ChildProcess) => Promise<void>,
  ...options: string[]
): Promise<void> {
  const folder = await Deno.makeTempDir();
  const port = await freePort();
  const server = new Deno.Command("redis-server", {
    args: ["--port", `${port}`, "--bind", "127.0.0.1", "--dir", folder]
      .concat(["--save", "", "--appendonly", "no"], options),
    // Read for as long as it lives: it would stop where nobody does.
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const ready = Promise.withResolvers<boolean>();
  let said = "";
  const read = async () => {
    for await (const text of server.stdout.pipeThrough(new TextDecoderStream())) {
      said += text;
      if (said.includes("Ready to accept connections")) ready.resolve(true);
    }
    ready.resolve(false);
  };
  const reading = read();
  try {
    if (!await ready.promise) throw new Error(`Cannot start redis-server: ${said}`);
    await use(`redis://127.0.0.1:${port}`, server);
  } finally {
    try {
      server.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await reading;
    await server.status;
    await Deno.remove(folder, { recursive: true });
  }
}

/** A test with a server of its own. */
export function serverTest(
  name: string,
  use: (address: string, server: Deno.ChildProcess) => Promise<void>,
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
