/**
 * Builds the site and serves it on this machine.
 *
 * Run: deno task site:serve [port]
 */
import { join } from "node:path";
import { buildSite, dist } from "./build.ts";

const types: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  wasm: "application/wasm",
};

/** A server of what is built; port 0 takes a free one. */
export function serveSite(port = 0): Deno.HttpServer<Deno.NetAddr> {
  return Deno.serve({ hostname: "127.0.0.1", port, onListen() {} }, async (request) => {
    const { pathname } = new URL(request.url);
    const path = pathname.endsWith("/") ? `${pathname}index.html` : pathname;
    try {
      // URL has no ".." left in its path.
      const body = await Deno.readFile(join(dist, decodeURIComponent(path)));
      const type = types[path.split(".").at(-1)!] ?? "text/plain; charset=utf-8";
      return new Response(body, { headers: { "content-type": type } });
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return new Response(null, { status: 404 });
      throw error;
    }
  });
}

if (import.meta.main) {
  await buildSite();
  const { addr } = serveSite(Number(Deno.args[0] ?? 8000));
  console.log(`http://${addr.hostname}:${addr.port}/`);
}
