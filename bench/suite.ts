/** @module */
import { stringifyDefinition } from "@precond/core/backend";
import { gpuBackends } from "./gpu.ts";
import { hashOf } from "./hash.ts";
import { onnxBackends } from "./problems/learner.ts";
import { type Method, methods, type Setting } from "./methods.ts";
import { allProblems } from "./problems/mod.ts";
import { type Problem, problemAt } from "./problems/problem.ts";
import type { Text } from "./problems/text.ts";
import type { Results, Row, Sensitivity } from "./rows.ts";
import type { GridOptions } from "./tuning.ts";
import type { Yours } from "./yours.ts";

/** What the problems are made from: plain values, which jobs carry along. */
export interface Suite {
  /** Full sizes. */
  readonly full: boolean;
  /** What the problems of the user are made from. */
  readonly brought?: Yours;
  /** For the language models; {@linkcode guideText} if left out. */
  readonly text?: Text;
}

/** What a run of the benchmark is asked for. */
export interface Request extends Suite {
  /** Names; all if left out. */
  readonly problems?: readonly string[];
  /** Names; all if left out. */
  readonly methods?: readonly string[];
  /** Problems that the user brought; without names they are all there is. */
  readonly yours?: readonly Problem[];
  /** For the network problems. */
  readonly backends: readonly string[];
  /** For the problems that have several; each at its own if left out. */
  readonly batchSizes?: readonly number[];
  /** Seeds to report, besides the tuning seed. */
  readonly seeds: number;
}

/** One method on one problem and backend: tuned once, then run on every seed. */
export interface Cell {
  readonly suite: Suite;
  readonly problem: Problem;
  readonly method: Method;
  readonly backend: string;
  readonly grid: GridOptions;
  readonly centre: number;
  /** Fingerprint of everything that its numbers depend on except the code. */
  readonly settings: string;
}

/** The tfjs backends that need nothing but a processor. */
export const networkBackends: readonly string[] = ["cpu", "wasm"];

/** The tfjs backends that the benchmark can use. */
export const tensorBackends: readonly string[] = [...networkBackends, ...gpuBackends];

/** These, and ONNX Runtime's. */
export const allBackends: readonly string[] = [...tensorBackends, ...onnxBackends];

/** The backend of the theory problems: the generated JavaScript of @precond/core. */
export const theoryBackend = "javascript";

/** The seed of the tuning runs; reported seeds start at 1. */
export const tuningSeed = 0;

/** Equal for every method of a problem: its tuning budget. */
export function gridOf(problem: Problem, full: boolean): GridOptions {
  if (problem.kind === "theory") return full ? { count: 11, ratio: 2 } : { count: 7, ratio: 3 };
  return full ? { count: 9, ratio: 2 } : { count: 5, ratio: 3 };
}

/** A hash of what can be written as JSON. */
export function fingerprint(value: unknown): string {
  return hashOf(JSON.stringify(value));
}

function describe(method: Method, setting: Setting): string {
  try {
    return stringifyDefinition(method.definition(1, setting));
  } catch {
    return method.name; // an oracle's estimator is not one of the library's
  }
}

/** The problems that are asked for. */
export function problemsOf(request: Request): Problem[] {
  const { full, problems: named, yours = [], text } = request;
  if (named === undefined && yours.length > 0) return [...yours];
  return [...allProblems(full, text), ...yours]
    .filter(({ name, fullOnly }) => named?.includes(name) ?? (full || !fullOnly));
}

/** A problem at each of the batch sizes that it can be run at. */
function atBatches(problem: Problem, batchSizes: readonly number[] | undefined): Problem[] {
  if (batchSizes === undefined || problem.atBatch === undefined) return [problem];
  return batchSizes.flatMap((batchSize) => problemAt(problem, batchSize) ?? []);
}

/** Everything a request comes to, in the order of running. */
export function cellsOf(request: Request): Cell[] {
  const { full, backends, brought, text } = request;
  const suite: Suite = { full, ...(brought && { brought }), ...(text && { text }) };
  const chosen = problemsOf(request).flatMap((problem) => atBatches(problem, request.batchSizes));
  return chosen.flatMap((problem) =>
    (problem.kind === "theory" ? [theoryBackend] : backends).flatMap((backend) =>
      methods
        .filter((method) =>
          problem.accepts(method) &&
          (request.methods?.includes(method.name) ?? (full || !method.fullOnly))
        )
        .map((method) => {
          const grid = gridOf(problem, full);
          // What is shipped runs at its own rate.
          const scale = method.shipped ? 1 : problem.rateScale;
          const centre = method.centre[problem.kind] * scale;
          const { name, batchSize, steps, target, details } = problem;
          const definition = describe(method, problem.kind);
          const settings = fingerprint({
            problem: { name, batchSize, steps, target, details },
            method: { name: method.name, host: method.host, definition },
            tuning: { grid, centre, tuningSeed },
          });
          return { suite, problem, method, backend, grid, centre, settings };
        })
    )
  );
}

/** Brings rows and sensitivities into the order of the suite, however they came. */
export function sort(
  results: Pick<Results, "rows" | "sensitivity">,
  { full, yours = [] }: Pick<Request, "full" | "yours">,
): void {
  const problems = [...allProblems(full), ...yours];
  const at = (list: readonly { readonly name: string }[], wanted: string) => {
    const index = list.findIndex(({ name }) => name === wanted);
    return index < 0 ? list.length : index;
  };
  const selections = (problem: string): readonly string[] =>
    problems.find(({ name }) => name === problem)?.selections ?? [];
  const place = (one: Row | Sensitivity): readonly number[] => [
    at(problems, one.problem),
    allBackends.indexOf(one.backend),
    at(methods, one.method),
    selections(one.problem).indexOf(one.selection),
    "batchSize" in one ? one.batchSize : 0,
    one.seed,
  ];
  const sorted = <T extends Row | Sensitivity>(list: readonly T[]): T[] =>
    list.map((one) => ({ one, place: [...place(one)] }))
      .sort((a, b) => {
        const i = a.place.findIndex((value, i) => value !== b.place[i]);
        return i < 0 ? a.one.settings.localeCompare(b.one.settings) : a.place[i]! - b.place[i]!;
      })
      .map(({ one }) => one);
  results.rows.splice(0, Infinity, ...sorted(results.rows));
  results.sensitivity.splice(0, Infinity, ...sorted(results.sensitivity));
}
