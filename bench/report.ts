/**
 * `deno run -A bench/report.ts ROWS.json… --html FILE --markdown FILE`: a report of recorded rows.
 *
 * @module
 */
import { command, parseArguments } from "./cli.ts";
import { Exit, exitCode } from "./exit.ts";
import { write } from "./file.ts";
import { html } from "./report/html.ts";
import { markdown } from "./report/markdown.ts";
import { merge, readRows } from "./report/read.ts";

/** Makes a report of what the arguments name. */
async function report(args: readonly string[]): Promise<void> {
  const program = command("report", "Makes a report of rows that main.ts and overhead.ts recorded.")
    .argument("<files...>", "files of rows; of what several have, the last counts")
    .option("--html <file>", "where the page goes")
    .option("--markdown <file>", "where the same in short goes, as Markdown");
  parseArguments(program, args);
  const { html: page, markdown: summary } = program.opts<{ html?: string; markdown?: string }>();
  if (page === undefined && summary === undefined) {
    throw new Exit(2, "Nothing to do: say where the report goes, --html FILE or --markdown FILE");
  }
  try {
    const given = merge(await Promise.all(program.args.map(readRows)));
    if (page !== undefined) await write(page, await html(given));
    if (summary !== undefined) await write(summary, markdown(given));
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
