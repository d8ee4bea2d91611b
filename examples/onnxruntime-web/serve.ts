/**
 * Bundles the page and serves it on this machine.
 *
 * Run: deno run -A examples/onnxruntime-web/serve.ts
 */
import { serveExample } from "@precond/testing/browser";

/** A server of the page; port 0 takes a free one. */
export function serve(port = 0): Promise<Deno.HttpServer<Deno.NetAddr>> {
  return serveExample({
    home: import.meta.url,
    entry: "./main.ts",
    styles: ["page.css"],
    files: { "/ort/": new URL("./", import.meta.resolve("onnxruntime-web/webgpu")) },
    port,
  });
}

if (import.meta.main) {
  const { addr } = await serve(Number(Deno.args[0] ?? 8000));
  console.log(`http://${addr.hostname}:${addr.port}/`);
}
