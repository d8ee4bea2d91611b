/** @module */
import { fileURLToPath } from "node:url";
import { bundle } from "./bundle.ts";

/** Options of {@linkcode serve}. */
export interface ServeOptions {
  /** Texts by path. */
  readonly texts: Readonly<Record<string, string>>;
  /** Directories by the beginning of the path, as "/wasm/"; a folder in them is its index.html. */
  readonly files: Readonly<Record<string, URL>>;
  /** Sends COOP and COEP, so that the page has SharedArrayBuffer. */
  readonly isolated: boolean;
  /** Default 0: a free one. */
  readonly port?: number;
}

const types: Readonly<Record<string, string>> = {
  "": "text/html; charset=utf-8",
  html: "text/html; charset=utf-8",
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  mjs: "text/javascript; charset=utf-8",
  json: "application/json",
  wasm: "application/wasm",
};

const isolation = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
};

/** A server on this machine. */
export function serve(
  { texts, files, isolated, port = 0 }: ServeOptions,
): Deno.HttpServer<Deno.NetAddr> {
  const find = async (path: string): Promise<BodyInit | undefined> => {
    if (path in texts) return texts[path];
    const prefix = Object.keys(files).find((prefix) => path.startsWith(prefix));
    if (!prefix) return undefined;
    const file = decodeURIComponent(path.slice(prefix.length)).replace(/^$|\/$/, "$&index.html");
    if (file.includes("..")) return undefined; // "%2f" is no "/" to URL
    try {
      const directory = fileURLToPath(files[prefix]!).replace(/[\\/]?$/, "/");
      return await Deno.readFile(directory + file);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
  };
  return Deno.serve({ hostname: "127.0.0.1", port, onListen() {} }, async (request) => {
    const { pathname } = new URL(request.url);
    const body = await find(pathname);
    if (body === undefined) return new Response(null, { status: 404 });
    const type = types[/\.(\w+)$/.exec(pathname)?.[1] ?? ""] ?? "application/octet-stream";
    return new Response(body, { headers: { "content-type": type, ...(isolated && isolation) } });
  });
}

/** An example's page: index.html, style sheets and a module beside it. */
export interface ExamplePage extends Pick<ServeOptions, "files" | "port"> {
  /** `import.meta.url` of a module in the example's folder. */
  readonly home: string;
  /** The module that index.html loads as main.js. */
  readonly entry: string;
  readonly styles: readonly string[];
  /** Default false. */
  readonly isolated?: boolean;
}

/** Bundles an example's page and serves it on this machine. */
export async function serveExample(
  { home, entry, styles, isolated = false, ...rest }: ExamplePage,
): Promise<Deno.HttpServer<Deno.NetAddr>> {
  const read = (name: string) => Deno.readTextFile(new URL(name, home));
  const sheets = styles.map(async (name) => [`/${name}`, await read(name)] as const);
  return serve({
    texts: {
      "/": await read("index.html"),
      ...Object.fromEntries(await Promise.all(sheets)),
      "/main.js": await bundle(new URL(entry, home)),
    },
    isolated,
    ...rest,
  });
}
