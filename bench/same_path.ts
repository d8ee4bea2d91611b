/**
 * `deno run -A bench/same_path.ts`: every network on every backend from the same seed, how far the
 * losses come apart, and how long a step takes.
 *
 * @module
 */
import { Option } from "commander";
import { requireBackends, withBackends } from "./backends.ts";
import { command, names, parseArguments, positive } from "./cli.ts";
import { Exit, exitCode } from "./exit.ts";
import { writeRows } from "./file.ts";
import { number } from "./format.ts";
import { methodNamed, methods } from "./methods.ts";
import { allProblems } from "./problems/mod.ts";
import type { Outcome, Point } from "./problems/problem.ts";
import { columns, type Curve } from "./rows.ts";
import { allBackends, type Cell, cellsOf } from "./suite.ts";

/** A run of a problem on a backend, beside the same on the first backend. */
export interface PathRow {
  readonly problem: string;
  readonly backend: string;
  readonly method: string;
  readonly seed: number;
  readonly learningRate: number;
  readonly steps: number;
  readonly gpu: string | null;
  /** The largest |a − b|/|b| of a loss; null where it did not run, or the first backend did not. */
  readonly difference: number | null;
  /** Milliseconds a step, without those up to the first measurement, which compile. */
  readonly step_ms: number | null;
  /** Why it did not run. */
  readonly reason: string | null;
  readonly curve: Curve | null;
}

/** What is run everywhere. */
export interface PathOptions {
  readonly problems: readonly string[];
  readonly backends: readonly string[];
  readonly method: string;
  readonly steps: number;
}

/** Seed 1 records T, too, which takes time. */
const seed = 2;

const losses = ["trainLoss", "testLoss", "validationLoss"] as const;

/** The largest relative difference of a loss; Infinity where one of the two has no number. */
export function furthest(actual: Pick<Outcome, "curve">, expected: Pick<Outcome, "curve">): number {
  const apart = (a: number | undefined, b: number | undefined) => {
    if (a === b) return 0;
    const distance = Math.abs(a! - b!) / Math.abs(b!);
    return Number.isNaN(distance) ? Infinity : distance;
  };
  const count = Math.max(actual.curve.length, expected.curve.length);
  return Math.max(...Array.from({ length: count }, (_, i) => {
    const [a, b] = [actual.curve[i], expected.curve[i]];
    return Math.max(...losses.map((key) => apart(a?.[key], b?.[key])));
  }));
}

/** Milliseconds a step from the first measurement after training began to the last. */
export function stepMilliseconds(curve: readonly Point[]): number | null {
  const timed = curve.filter(({ step, seconds }) => step > 0 && seconds !== undefined);
  const [first, last] = [timed[0], timed.at(-1)];
  if (!first || !last || first === last) return null;
  return 1e3 * (last.seconds! - first.seconds!) / (last.step - first.step);
}

/** Runs every problem on one backend; what does not run says why. */
async function onBackend(
  backend: string,
  { problems, method, steps }: PathOptions,
  took: (cell: Cell, run: { outcome: Outcome; gpu?: string | undefined } | string) => void,
): Promise<void> {
  const cells = cellsOf({
    full: false,
    problems,
    methods: [method],
    backends: [backend],
    seeds: 1,
  });
  const left = new Set(cells);
  const failed = (error: unknown) => error instanceof Error ? error.message : String(error);
  try {
    await requireBackends(cells);
    await withBackends(cells, { full: false }, async (placed) => {
      for (const [i, { cell, gpu }] of placed.entries()) {
        const own = cells[i]!;
        left.delete(own);
        const breathe = () => Promise.resolve();
        const { method, centre: learningRate, problem } = cell;
        const task = { method, learningRate, seed, backend, tuning: false, steps, breathe };
        try {
          took(own, { outcome: await problem.run(task), gpu });
        } catch (error) {
          took(own, failed(error));
        }
      }
    });
  } catch (error) {
    for (const cell of left) took(cell, failed(error));
  }
}

/** Every problem on every backend, the first of which the others are compared with. */
export async function pathsOf(
  options: PathOptions,
  took: (row: PathRow, rows: readonly PathRow[]) => unknown = () => {},
): Promise<PathRow[]> {
  const rows: PathRow[] = [];
  const first = new Map<string, Outcome>();
  for (const backend of options.backends) {
    await onBackend(backend, options, ({ problem, method, centre }, run) => {
      const ran = typeof run === "string" ? undefined : run;
      if (ran && backend === options.backends[0]) first.set(problem.name, ran.outcome);
      const expected = first.get(problem.name);
      const apart = ran && expected ? furthest(ran.outcome, expected) : null;
      rows.push({
        problem: problem.name,
        backend,
        method: method.name,
        seed,
        learningRate: centre,
        steps: ran?.outcome.curve.at(-1)?.step ?? 0,
        gpu: ran?.gpu ?? null,
        difference: apart === null ? null : Number(apart.toPrecision(3)),
        step_ms: ran ? stepMilliseconds(ran.outcome.curve) : null,
        reason: typeof run === "string" ? run : null,
        curve: ran ? columns(ran.outcome) : null,
      });
      took(rows.at(-1)!, rows);
    });
  }
  return rows;
}

/** Rows as Markdown: problem × backend, and why some did not run. */
export function pathTable(rows: readonly PathRow[]): string {
  const [problems, backends] = (["problem", "backend"] as const).map((key) => [
    ...new Set(rows.map((row) => row[key])),
  ]);
  const cell = (problem: string, backend: string) => {
    const row = rows.find((r) => r.problem === problem && r.backend === backend);
    if (!row) return "";
    if (row.reason !== null) return "–";
    const apart = backend === backends![0] || row.difference === null
      ? []
      : [row.difference === 0 ? "0" : row.difference.toExponential(0)];
    return [...apart, ...(row.step_ms === null ? [] : [`${number(row.step_ms)} ms`])].join(", ");
  };
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const reasons = Map.groupBy(
    rows.filter(({ reason }) => reason !== null),
    ({ backend, reason }) => `${backend}: ${reason}`,
  );
  return [
    line(["problem", ...backends!]),
    line(["---", ...backends!.map(() => "---")]),
    ...problems!.map((problem) => line([problem, ...backends!.map((b) => cell(problem, b))])),
    ...(reasons.size > 0 ? ["", "Not run:", ""] : []),
    ...[...reasons].map(([why, own]) =>
      `- ${own.map(({ problem }) => problem).join(", ")} on ${why.split("\n")[0]}`
    ),
  ].join("\n");
}

/** One problem of each kind: the shares of label noise are one. */
const networks = (): string[] =>
  allProblems(false)
    .filter(({ kind, name }) => kind === "network" && !/^label-noise-/.test(name))
    .map(({ name }) => name);

async function samePath(args: readonly string[]): Promise<void> {
  const program = command("same_path", "The same seed on every backend: losses, time of a step.")
    .addOption(
      new Option("--problem <names>", "only these networks").argParser(names("problem", networks)),
    )
    .addOption(
      new Option("--backend <names>", "the first is what the others are compared with")
        .default(allBackends, allBackends.join()).argParser(names("backend", () => allBackends)),
    )
    .option("--method <name>", "the optimizer", "precond-adam")
    .addOption(new Option("--steps <count>", "of a run, at most").default(20).argParser(positive))
    .option("--json <file>", "where the rows go");
  parseArguments(program, args);
  const { problem: problems = networks(), backend: backends, method, steps, json } = program.opts<
    { problem?: string[]; backend: string[]; method: string; steps: number; json?: string }
  >();
  if (!methods.some(({ name }) => name === method)) {
    throw new Exit(
      2,
      `Unknown method "${method}"; valid: ${methods.map((m) => m.name).join(", ")}`,
    );
  }
  if (methodNamed(method).host) {
    throw new Exit(2, `Cannot compare backends by "${method}": it is the host's, and not the same`);
  }
  const rows = await pathsOf({ problems, backends, method, steps }, (row) => {
    const { problem, backend, difference, reason } = row;
    console.error(`${problem} on ${backend}: ${reason ?? difference}`);
  });
  await writeRows(json, rows, { program: "same_path", args });
  console.log(pathTable(rows));
}

if (import.meta.main) Deno.exit(await exitCode(() => samePath(Deno.args)));
