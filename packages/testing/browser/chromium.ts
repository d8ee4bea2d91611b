/** @module */
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { type Browser, chromium } from "playwright-core";
import { within } from "./within.ts";

/** Software WebGL and WebGPU, the same on every machine; and nothing that asks the network. */
export const chromiumFlags: readonly string[] = [
  "--use-angle=swiftshader",
  "--enable-unsafe-swiftshader",
  "--enable-unsafe-webgpu",
  "--use-webgpu-adapter=swiftshader",
  // It ends what compiles for longer than 10 s, as software does where the machine is busy.
  "--disable-gpu-watchdog",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

const variables = ["CHROME_PATH", "CHROMIUM_PATH"];
const commands = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const windowsPrograms = [
  "Google\\Chrome\\Application\\chrome.exe",
  "Chromium\\Application\\chrome.exe",
  "Microsoft\\Edge\\Application\\msedge.exe",
];

function* candidates(env: (name: string) => string | undefined): Generator<string> {
  yield "/usr/bin/chromium";
  for (const directory of (env("PATH") ?? "").split(delimiter)) {
    // snap and Debian have scripts of these names; on Windows they do not exist.
    for (const command of commands) yield join(directory, command);
  }
  for (const name of ["Google Chrome", "Chromium"]) {
    yield `/Applications/${name}.app/Contents/MacOS/${name}`;
  }
  for (const variable of ["PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA"]) {
    const directory = env(variable);
    if (directory) yield* windowsPrograms.map((path) => `${directory}\\${path}`);
  }
  yield chromium.executablePath();
}

/**
 * The path of a Chromium: the one that CHROME_PATH or CHROMIUM_PATH names, else the system's, else
 * Playwright's; undefined if there is none.
 *
 * @throws {Error} If a variable names what does not exist.
 */
export function findChromium(
  env: (name: string) => string | undefined = (name) => Deno.env.get(name),
): string | undefined {
  for (const variable of variables) {
    const path = env(variable);
    if (!path) continue;
    if (existsSync(path)) return path;
    throw new Error(`Cannot find Chromium: ${variable} is "${path}", which does not exist`);
  }
  return candidates(env).find((path) => existsSync(path));
}

/** Milliseconds for starting, for closing, and for each wait of a page; they only stop a hang. */
const timeout = 300_000;

/**
 * A headless Chromium with a fresh profile, which goes when it is closed. Its pages have five minutes
 * for what Playwright gives 30 s, which are not enough where the machine is busy.
 *
 * @throws {Error} If there is none, or it does not start; at its disposal, if it does not close.
 */
export async function launch(): Promise<Browser> {
  const executablePath = findChromium();
  if (!executablePath) {
    throw new Error(
      `Cannot find Chromium: install chromium or google-chrome, or name one in ${variables[0]}`,
    );
  }
  // Playwright adds --headless, --no-sandbox and the --user-data-dir that it makes and removes.
  // Ctrl-C belongs to the program that started the browser: it may have something to save.
  const browser = await chromium.launch({
    executablePath,
    timeout,
    args: [...chromiumFlags],
    handleSIGINT: false,
  });
  const inTime = <T>(promise: Promise<T>, what: string) =>
    within(promise, timeout, () => new Error(`Cannot ${what} within ${timeout / 1000} s`));
  const newPage = browser.newPage.bind(browser);
  browser.newPage = async (options) => {
    const page = await inTime(newPage(options), "open a page of Chromium");
    page.setDefaultTimeout(timeout);
    return page;
  };
  browser[Symbol.asyncDispose] = () => inTime(browser.close(), "close Chromium");
  return browser;
}
