/**
 * Builds the site and serves it on this machine.
 *
 * Run: deno task site:serve [port]
 */
import { serve } from "@precond/testing/browser";
import { pathToFileURL } from "node:url";
import { buildSite, dist } from "./build.ts";

/** A server of what is built; port 0 takes a free one. */
export function serveSite(port = 0): Deno.HttpServer<Deno.NetAddr> {
  return serve({ texts: {}, files: { "/": pathToFileURL(dist) }, isolated: false, port });
}

if (import.meta.main) {
  await buildSite();
  const { addr } = serveSite(Number(Deno.args[0] ?? 8000));
  console.log(`http://${addr.hostname}:${addr.port}/`);
}
