/** @module */
import { bundle } from "./bundle.ts";
import { launch } from "./chromium.ts";
import { serve } from "./serve.ts";
import { within } from "./within.ts";

/** Options of {@linkcode withPage}. */
export interface PageOptions {
  /** The page's module; what it exports is what can be called. */
  readonly entry: URL;
  /** Directories to serve, by the beginning of the path, as "/wasm/"; default none. */
  readonly files?: Readonly<Record<string, URL>>;
  /** Whether the page has SharedArrayBuffer (COOP and COEP); default false. */
  readonly isolated?: boolean;
  /** Milliseconds that each call may take; default 300,000: it only stops a hang. */
  readonly timeout?: number;
}

/** A page whose module exports `Exports`, functions of values that JSON knows and typed arrays. */
export interface Page<Exports> {
  /**
   * Calls an exported function.
   *
   * @throws {Error} What it threw, an error nobody caught, or that it took too long; with the
   * console's last warnings and errors.
   */
  call<Name extends keyof Exports & string>(
    name: Name,
    ...args: Exports[Name] extends (...args: infer Args) => unknown ? Args : never
  ): Promise<Exports[Name] extends (...args: never[]) => infer Result ? Awaited<Result> : never>;
}

const html = `<!doctype html><title>precond</title><link rel="icon" href="data:,">`;

interface Request {
  readonly url: string;
  readonly name: string;
  readonly args: unknown[];
}

/** Runs in the page. */
async function callExport({ url, name, args }: Request): Promise<unknown> {
  const exports = await import(url);
  return exports[name](...args);
}

/**
 * Loads a module in a Chromium of its own and closes that whatever happens.
 *
 * @throws {Error} If Chromium is missing or does not start, an error in the page was not caught, or
 * `body` throws.
 */
export async function withPage<Exports, T = void>(
  options: PageOptions,
  body: (page: Page<Exports>) => Promise<T>,
): Promise<T> {
  const { entry, files = {}, isolated = false, timeout = 300_000 } = options;
  const texts = { "/": html, "/page.js": await bundle(entry) };
  // Disposed in reverse: the browser goes first, so that no connection keeps the server.
  await using server = serve({ texts, files, isolated });
  await using browser = await launch();
  const tab = await browser.newPage();
  const log: string[] = [], uncaught: string[] = [];
  let stuck = "";

  const failure = (what: string): Error => {
    const parts = [what, ...uncaught.splice(0).map((e) => `Not caught in the page: ${e}`)];
    const said = log.splice(0).slice(-20);
    if (said.length > 0) parts.push("The page's console:", ...said);
    return new Error(parts.join("\n"));
  };
  tab.on("pageerror", (error) => uncaught.push(error.stack ?? error.message));
  tab.on("console", (message) => {
    const type = message.type();
    if (type === "error" || type === "warning") log.push(`${type}: ${message.text()}`);
  });

  const call = async (name: string, ...args: unknown[]): Promise<unknown> => {
    if (stuck) throw new Error(`Cannot call ${name}() in the page: ${stuck}`);
    const request = { url: "/page.js", name, args };
    let result: unknown;
    try {
      result = await within(tab.evaluate(callExport, request), timeout, () => {
        stuck = `${name}() has not answered within ${timeout / 1000} s`;
        return new Error(stuck);
      });
    } catch (error) {
      const text = (error as Error).message.replace(/^page\.evaluate: /, "");
      throw failure(`Cannot call ${name}() in the page: ${text}`);
    }
    if (uncaught.length > 0) throw failure(`${name}() in the page left an error uncaught`);
    return result;
  };

  await tab.goto(`http://127.0.0.1:${server.addr.port}/`);
  const result = await body({ call: call as Page<Exports>["call"] });
  if (uncaught.length > 0) throw failure("The page left an error uncaught");
  return result;
}
