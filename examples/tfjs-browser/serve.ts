/**
 * Bundles the page and serves it on this machine.
 *
 * Run: deno run -A examples/tfjs-browser/serve.ts
 */
import { serveExample } from "@precond/testing/browser";

/** A server of the page; port 0 takes a free one. */
export function serve(port = 0): Promise<Deno.HttpServer<Deno.NetAddr>> {
  return serveExample({
    home: import.meta.url,
    entry: "./main.ts",
    styles: ["colors.css", "page.css", "cards.css"],
    files: {
      "/wasm/": new URL(
        "./dist/",
        import.meta.resolve("@tensorflow/tfjs-backend-wasm/package.json"),
      ),
    },
    port,
  });
}

if (import.meta.main) {
  const { addr } = await serve(Number(Deno.args[0] ?? 8000));
  console.log(`http://${addr.hostname}:${addr.port}/`);
}
