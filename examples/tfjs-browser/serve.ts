/**
 * Bundles the page and serves it on this machine.
 *
 * Run: deno run -A examples/tfjs-browser/serve.ts
 */
import { bundle } from "@precond/testing/browser";
import { fileURLToPath } from "node:url";

const wasm = new URL("./dist/", import.meta.resolve("@tensorflow/tfjs-backend-wasm/package.json"));

const types: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  wasm: "application/wasm",
};

/** A server of the page; port 0 takes a free one. */
export async function serve(port = 0): Promise<Deno.HttpServer<Deno.NetAddr>> {
  const script = await bundle(new URL("./main.ts", import.meta.url));
  const read = (url: URL) => Deno.readFile(fileURLToPath(url));
  const bodyOf = (path: string): Promise<Uint8Array<ArrayBuffer>> | string | undefined => {
    const [, name] = /^\/wasm\/([\w.-]+\.wasm)$/.exec(path) ?? [];
    if (name) return read(new URL(name, wasm));
    if (path === "/main.js") return script;
    if (["/index.html", "/colors.css", "/page.css", "/cards.css"].includes(path)) {
      return read(new URL(`.${path}`, import.meta.url));
    }
  };
  return Deno.serve({ hostname: "127.0.0.1", port, onListen() {} }, async (request) => {
    const { pathname } = new URL(request.url);
    const path = pathname === "/" ? "/index.html" : pathname;
    const body = await bodyOf(path);
    if (body === undefined) return new Response(null, { status: 404 });
    return new Response(body, {
      headers: { "content-type": types[path.split(".").at(-1)!] ?? "text/plain" },
    });
  });
}

if (import.meta.main) {
  const { addr } = await serve(Number(Deno.args[0] ?? 8000));
  console.log(`http://${addr.hostname}:${addr.port}/`);
}
