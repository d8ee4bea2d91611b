/**
 * `deno run -A bench/report.ts ROWS.json… --html FILE --markdown FILE`: a report of recorded rows.
 *
 * @module
 */
import { command, Exit, exitCode, parseArguments } from "./cli.ts";
import { write } from "./file.ts";
import { html } from "./report/html.ts";
import { merge, readRows } from "./report/read.ts";

/** Makes a report of what the arguments name. */
async function report(args: readonly string[]): Promise<void> {
  const program = command("report", "Makes a report of rows that main.ts and overhead.ts recorded.")
    .argument("<files...>", "files of rows; of what several have, the last counts")
    .option("--html <file>", "where the page goes");
  parseArguments(program, args);
  const { html: page } = program.opts<{ html?: string }>();
  if (page === undefined) {
    throw new Exit(2, "Nothing to do: say where the report goes, --html FILE");
  }
  try {
    const given = merge(await Promise.all(program.args.map(readRows)));
    await write(page, await html(given));
    console.log(page);
  } catch (error) {
    const refused = error instanceof TypeError || error instanceof Deno.errors.NotFound;
    throw refused ? new Exit(2, error.message) : error;
  }
}

/** The program: exit code 0, or 2 for arguments or files that it cannot follow. */
export function main(args: readonly string[]): Promise<number> {
  return exitCode(() => report(args));
}

if (import.meta.main) Deno.exit(await main(Deno.args));
