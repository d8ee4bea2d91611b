/**
 * Bundles the page and serves it on this machine.
 *
 * Run: deno run -A examples/onnxruntime-web/serve.ts
 */
import { bundle } from "@precond/testing/browser";
import { fileURLToPath } from "node:url";

const ort = new URL("./", import.meta.resolve("onnxruntime-web/webgpu"));

const types: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  mjs: "text/javascript; charset=utf-8",
  wasm: "application/wasm",
};

/** A server of the page; port 0 takes a free one. */
export async function serve(port = 0): Promise<Deno.HttpServer<Deno.NetAddr>> {
  const script = await bundle(new URL("./main.ts", import.meta.url));
  const read = (url: URL) => Deno.readFile(fileURLToPath(url));
  const bodyOf = (path: string): Promise<Uint8Array<ArrayBuffer>> | string | undefined => {
    const [, name] = /^\/ort\/([\w.-]+\.(?:wasm|mjs))$/.exec(path) ?? [];
    if (name) return read(new URL(name, ort));
    if (path === "/main.js") return script;
    if (["/index.html", "/page.css"].includes(path)) {
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
