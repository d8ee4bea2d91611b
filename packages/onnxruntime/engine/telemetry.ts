/** @module */
import { expr, type NoiseReport, type TelemetryOptions, type TelemetryReport } from "@precond/core";
import {
  type ClippedCounts,
  compileProgram,
  type Driver,
  layout,
  telemetry,
} from "@precond/core/backend";
import type { Host } from "../hosts/host.ts";
import type { Parameter } from "../trainer/set_up.ts";

/** What is known of an update when it has been made. */
export interface MadeUpdate<A> {
  /** The gradient that it used. */
  gradient(parameter: Parameter<A>): A;
  readonly batchSize: number;
  /** In the order of the parameters. */
  readonly clipped: readonly ClippedCounts<A>[];
}

/** Watches updates. */
export interface Telemetry<A> {
  /** Before an update: whether it is reported, and what it clips to be counted. */
  before(): boolean;
  /** After it, if it is reported; resolves when `onReport` has been called. */
  after(update: MadeUpdate<A>): Promise<void>;
  /** The update did not come about. */
  abandon(): void;
  dispose(): void;
}

const skippedSlot = "skipNonFinite.skipped";

/**
 * Reports every k-th update. All sums are made where the parameters are, and read back together: a
 * few numbers a parameter.
 */
export function createTelemetry<A>(
  host: Host<A>,
  driver: Driver<A>,
  parameters: readonly Parameter<A>[],
  { every = 100, onReport, onError = console.error }: TelemetryOptions,
): Telemetry<A> {
  if (!Number.isInteger(every) || every < 1) {
    throw new RangeError(
      `Cannot report telemetry: every must be a positive integer, current value is ${every}`,
    );
  }
  const { backend } = host;
  const { mul, read, scalar, square, sub, sum } = expr;
  const compiled = (program: ReturnType<typeof compileProgram>) => ({
    program,
    kernel: backend.compile(program),
  });
  const copy = compiled(compileProgram({
    // ×1: a program writes computed values only.
    outputs: [{ name: "old", shape: "element", value: mul(read("weights"), scalar("one")) }],
  }));
  const difference = compiled(compileProgram({
    outputs: [{
      name: "squares",
      shape: "tensor",
      value: sum(square(sub(read("weights"), read("old"))), "tensor"),
    }],
  }));
  const summary = compiled(telemetry.summaryProgram());
  let old: A[] | undefined;

  /** Sums over each call's arrays: one array of one number for each output. */
  const sums = (
    { program, kernel }: typeof copy,
    calls: readonly { dims: readonly number[]; arrays: Readonly<Record<string, A>> }[],
    made: A[],
  ): A[][] => {
    if (calls.length === 0) return [];
    const results = kernel.run(calls.map(({ dims, arrays }) => {
      const outputs = program.outputs.map(() => backend.allocate([], 0));
      made.push(...outputs);
      return {
        ...layout(dims),
        inputs: program.inputs.map(({ name }) => arrays[name]!),
        outputs,
        scalars: new Float64Array(),
      };
    }));
    return results.map(({ outputs }) => [...outputs]);
  };

  const abandon = () => {
    old?.forEach((array) => backend.dispose(array));
    old = undefined;
  };

  const measure = async (
    { gradient, batchSize, clipped }: MadeUpdate<A>,
    made: A[],
  ): Promise<TelemetryReport> => {
    const norms = sums(
      difference,
      parameters.map(({ dims, weights }, k) => ({ dims, arrays: { weights, old: old![k]! } })),
      made,
    );
    const known = parameters.flatMap((p) => {
      const arrays = driver.inspect(p.name);
      if (arrays === undefined) return [];
      made.push(...Object.values(arrays));
      return [{ ...p, arrays: { ...arrays, gradient: gradient(p) } }];
    });
    const summaries = sums(summary, known, made);
    const kinds = clipped.flatMap((counts, k) =>
      (["elements", "norm"] as const).flatMap((kind) => {
        const array = counts[kind];
        return array === undefined ? [] : [{ name: parameters[k]!.name, kind, array }];
      })
    );
    const skipped = parameters.flatMap(({ name }) => {
      const array = driver.state().parameters.get(name)?.slots[skippedSlot];
      return array === undefined ? [] : [array];
    });
    const lists = [norms.flat(), skipped, kinds.map(({ array }) => array), ...summaries];
    const numbers = await host.readNumbers(lists.flat());
    let at = 0;
    const [squares, held, counts, ...perParameter] = lists.map(({ length }) =>
      numbers.slice(at, at += length)
    );
    const read = known.map(({ name, size }, k) =>
      [name, telemetry.summaryOf(perParameter[k]!, size)] as const
    );
    const all = telemetry.merge(read.map(([, s]) => s));
    const comparable = telemetry.seesGradient(
      driver.definition,
      parameters.map(({ name, dims }) => ({ name, shape: dims })),
    );
    return {
      iteration: driver.iteration,
      ...telemetry.reportOf(all, batchSize),
      updateNorm: Math.sqrt(squares!.reduce((a, b) => a + b, 0)),
      skipped: Math.max(0, ...held!),
      clipped: telemetry.clippedOf(
        kinds.map(({ name, kind }, k) => [name, kind, counts![k]!] as const),
      ),
      evidence: comparable ? telemetry.evidenceOf(all) : NaN,
      variables: Object.fromEntries(
        read.map(([name, s]): [string, NoiseReport] => [name, telemetry.reportOf(s, batchSize)]),
      ),
    };
  };

  return {
    abandon,
    before() {
      abandon();
      if ((driver.iteration + 1) % every !== 0) return false;
      const arrays = parameters.map(({ dims }) => backend.allocate(dims, 0));
      const results = copy.kernel.run(parameters.map(({ dims, weights }, k) => ({
        ...layout(dims),
        inputs: [weights],
        outputs: [arrays[k]!],
        scalars: Float64Array.of(1),
      })));
      old = results.map(({ outputs }) => outputs[0]!);
      return true;
    },
    async after(update) {
      if (old === undefined) return;
      const made: A[] = [];
      try {
        onReport(await measure(update, made));
      } catch (error) {
        onError(error);
      } finally {
        made.forEach((array) => backend.dispose(array));
        abandon();
      }
    },
    dispose() {
      abandon();
      for (const { kernel } of [copy, difference, summary]) kernel.dispose?.();
    },
  };
}
