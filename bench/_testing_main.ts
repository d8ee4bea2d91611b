/**
 * Runs the benchmark in this process.
 *
 * @module
 */
import { join } from "node:path";
import { main } from "./main.ts";
import type { Results, Row } from "./rows.ts";

/** What a run came to. */
export interface Ran {
  readonly code: number;
  readonly said: string;
  readonly rows: readonly Row[];
}

/** Runs the benchmark with files in a folder; returns its code, what it said, and its rows. */
export async function runMain(folder: string, args: readonly string[]): Promise<Ran> {
  const { log, error } = console;
  const said: string[] = [];
  console.log = console.error = (message) => void said.push(String(message));
  try {
    const json = join(folder, "results.json");
    const files = ["--json", json, "--html", join(folder, "report.html")];
    const code = await main([...args, ...files]);
    const rows = code === 0 ? (JSON.parse(await Deno.readTextFile(json)) as Results).rows : [];
    return { code, said: said.join("\n"), rows };
  } finally {
    Object.assign(console, { log, error });
  }
}

/** Calls with a folder that is removed afterwards. */
export async function inFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
