/**
 * `deno run -A bench/main.ts`: the benchmark. See README.md for what it measures.
 *
 * @module
 */
import { type Placed, requireBackends, withBackends } from "./backends.ts";
import { type Arguments, parse } from "./cli.ts";
import { device, source, versions } from "./device.ts";
import { Exit, exitCode } from "./exit.ts";
import { readResults, resultsText, write } from "./file.ts";
import { Interrupted, watch } from "./interrupt.ts";
import { hereLane } from "./jobs/here.ts";
import { inThreads, poolLane } from "./jobs/pool.ts";
import { withoutPassword } from "./jobs/queue/address.ts";
import type { Lane } from "./jobs/lane.ts";
import { type Listener, schedule } from "./jobs/schedule.ts";
import { progress } from "./progress.ts";
import { planOf } from "./protocol.ts";
import { html } from "./report/html.ts";
import { material } from "./report/material.ts";
import { type Results, schemaVersion } from "./rows.ts";
import { saver } from "./saver.ts";
import { cellsOf, problemsOf, sort } from "./suite.ts";
import { report } from "./table.ts";
import { yourProblems } from "./yours.ts";

/** @throws {Exit} If the file is none to go on with. */
async function resumed(path: string): Promise<Results | undefined> {
  try {
    return await readResults(path);
  } catch (error) {
    throw error instanceof TypeError ? new Exit(2, error.message) : error;
  }
}

/** Runs what is asked for; returns the exit code. */
async function benchmark(asked: Arguments, args: readonly string[]): Promise<number> {
  const yours = await yourProblems(asked.yours, asked);
  for (const { name, about } of yours) console.log(`${name}: ${about}`);
  const request = { ...asked, yours, brought: asked.yours };
  const cells = cellsOf(request);
  if (cells.length === 0) {
    throw new Exit(2, "None of these methods applies to any of these problems");
  }
  // One run at a time needs no threads; more than one leaves here only what cannot run in them.
  const here = request.queue || request.workers > 1
    ? cells.filter((cell) => !inThreads(cell))
    : cells;
  const elsewhere = here.length < cells.length;
  const threads = elsewhere && !request.queue ? request.workers : 0;
  const workers = threads + (here.length > 0 ? 1 : 0);
  const surroundings = { device: device(), versions: versions(), ...source(), workers };
  const before = request.resume ? await resumed(request.json) : undefined;
  const command = ["deno run -A bench/main.ts", ...args.map(withoutPassword)].join(" ");
  const results: Results = before
    ? { ...before, command }
    : { schemaVersion, command, rows: [], sensitivity: [] };

  await requireBackends(cells);
  const file = saver(request.json, () => {
    sort(results, request);
    return resultsText(results);
  });
  // Only what needs it loads it.
  const remote = elsewhere && request.queue
    ? await (await import("./jobs/queue/main.ts"))
      .openQueue(request.queue, { heldUp: (why) => bar.doing(why) })
    : undefined;
  const bar = progress(cells, request.seeds, () => remote?.workers ?? workers);
  const signals = watch();
  const start = performance.now();
  if (remote?.workers === 0) bar.doing("waiting for workers (bench worker --queue …)");
  const { breathe } = signals;
  const run = async (placed: readonly Placed[]) => {
    const lanes: Lane[] = [hereLane(placed, { surroundings, breathe })];
    if (threads > 0) lanes.push(poolLane(threads, surroundings));
    if (remote) lanes.push(remote);
    const listener: Listener = {
      starting: (what) => bar.doing(what),
      finished: (...run) => bar.done(...run),
      changed: () => results.rows.length > 0 && file.changed(),
    };
    const { finished } = listener;
    const plans = cells.map((cell) => planOf(cell, results, { seeds: request.seeds, finished }));
    let complete = false;
    try {
      await schedule(plans, lanes, listener, signals.signal);
      complete = true;
    } finally {
      // First, as lanes may forget what is on file.
      await file.flush();
      for (const lane of lanes) await lane.close(complete);
    }
  };
  try {
    await withBackends(here, request, run);
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
  } finally {
    bar.stop();
  }
  const seconds = (performance.now() - start) / 1e3;

  const wanted = new Set(cells.map((cell) => cell.settings));
  const own = {
    ...results,
    rows: results.rows.filter((row) => wanted.has(row.settings) && row.seed <= request.seeds),
    sensitivity: results.sensitivity.filter((s) => wanted.has(s.settings)),
  };
  const given = material({
    results: own,
    problems: problemsOf(request),
    sources: [{ command, note: `took ${Math.round(seconds)} s` }],
    overhead: [],
    interrupted: signals.interrupted,
  });
  await write(request.html, await html(given));
  signals.stop();
  const width = Deno.stdout.isTerminal() ? Deno.consoleSize().columns : 120;
  console.log(`\n${report(given.groups, width, own)}\n`);
  console.log(
    `${own.rows.length} rows in ${Math.round(seconds)} s${
      signals.interrupted ? ", interrupted; go on with --resume" : ""
    }`,
  );
  console.log(`${request.json}\n${request.html}`);
  return signals.interrupted ? 130 : 0;
}

/** The program: exit code 0, 2 for a command line it cannot follow, 130 after Ctrl-C. */
export function main(args: readonly string[]): Promise<number> {
  if (args[0] === "worker") {
    return exitCode(async () => (await import("./jobs/queue/main.ts")).workerMain(args.slice(1)));
  }
  return exitCode(async () => await benchmark(parse(args), args));
}

if (import.meta.main) Deno.exit(await main(Deno.args));
