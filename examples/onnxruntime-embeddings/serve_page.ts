/**
 * Bundles the page and serves it on this machine.
 *
 * @module
 */
import { serveExample } from "@precond/testing/browser";

/** A server of the page; port 0 takes a free one. */
export function serve(port = 0): Promise<Deno.HttpServer<Deno.NetAddr>> {
  return serveExample({
    home: import.meta.url,
    entry: "./page.ts",
    styles: ["page.css"],
    files: { "/ort/": new URL("./", import.meta.resolve("onnxruntime-web/webgpu")) },
    // wasm has threads then.
    isolated: true,
    port,
  });
}
