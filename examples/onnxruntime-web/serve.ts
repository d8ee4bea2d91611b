/**
 * Bundles the page and serves it on this machine.
 *
 * Run: deno run -A examples/onnxruntime-web/serve.ts
 */
import { bundle, serve as serveFiles } from "@precond/testing/browser";

/** A server of the page; port 0 takes a free one. */
export async function serve(port = 0): Promise<Deno.HttpServer<Deno.NetAddr>> {
  const read = (name: string) => Deno.readTextFile(new URL(name, import.meta.url));
  return serveFiles({
    texts: {
      "/": await read("index.html"),
      "/page.css": await read("page.css"),
      "/main.js": await bundle(new URL("./main.ts", import.meta.url)),
    },
    files: { "/ort/": new URL("./", import.meta.resolve("onnxruntime-web/webgpu")) },
    isolated: false,
    port,
  });
}

if (import.meta.main) {
  const { addr } = await serve(Number(Deno.args[0] ?? 8000));
  console.log(`http://${addr.hostname}:${addr.port}/`);
}
