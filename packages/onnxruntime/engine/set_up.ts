/**
 * Opens the host, moves the parameters there and makes the graphs.
 *
 * @module
 */
import type { Definition } from "@precond/core";
import { legalize, loading, NotLoaded, refuseUnknownSizes } from "@precond/onnx/on_demand";
import { type Graphs, openGraphs } from "../graphs/graphs.ts";
import { type Initial, planTraining, type TrainingPlan } from "../graphs/plan.ts";
import type { TrainingSource } from "../graphs/source.ts";
import type { Host } from "../hosts/host.ts";
import { openHost } from "../hosts/open_host.ts";
import { threadsOf } from "../hosts/threads.ts";
import type { Ort } from "../hosts/ort.ts";
import type { TrainerOptions } from "./options.ts";
import { disposeArrays, type Fixed, type Parameter } from "./parameters.ts";

/** Everything that a trainer stands on. */
export interface Setup<A> {
  readonly host: Host<A>;
  /** Another one after freeze(). */
  readonly plan: TrainingPlan;
  readonly graphs: Graphs;
  readonly definition: Definition;
  readonly parameters: readonly Parameter<A>[];
  readonly fixed: readonly Fixed<A>[];
  /** Why the device is lost. */
  readonly lost: (() => string | undefined) | undefined;
  /**
   * Prepares to make these initializers frozen parameters with these values; what it returns does it,
   * and does not throw. The graphs, which held the values of the source, are then made anew when they
   * are next needed.
   */
  freeze(values: readonly Initial[]): () => void;
  /** Closes the sessions, disposes all arrays and the host. */
  dispose(): Promise<void>;
}

/** @throws As `planTraining()` and `openHost()` do; nothing stays open then. */
export async function setUp(
  ort: Ort,
  source: TrainingSource,
  options: TrainerOptions,
): Promise<Setup<unknown>> {
  let plan = await loading(() => planTraining(source, options), source.model);
  const { plain } = plan;
  await loading(() => refuseUnknownSizes("create a trainer", plain.model, options.sizes));
  const { host, provider, lost } = await openHost(ort, {
    executionProviders: options.executionProviders ?? ["cpu"],
    ...options.sessionOptions,
  });
  const { backend } = host;
  const parameters: Parameter<unknown>[] = [];
  const fixed: Fixed<unknown>[] = [];
  /** Sessions of graphs that nobody needs any more, being closed. */
  const closing: Promise<void>[] = [];
  const enter = ({ name, dims, data, updates }: TrainingPlan["fixed"][number]) => {
    const entry: Fixed<unknown> = {
      name,
      dims,
      current: backend.write(data, dims),
      next: undefined,
    };
    fixed.push(entry);
    if (updates) entry.next = backend.allocate(dims, 0);
  };
  try {
    const capturer = options.capture === true ? host.capturer?.() : undefined;
    if (options.capture === true && capturer === undefined) {
      throw new TypeError(
        `Cannot capture the training graph: the provider "${provider}" of this build cannot; use ` +
          `"webgpu" of "onnxruntime-web/webgpu"`,
      );
    }
    const open = () =>
      openGraphs({
        plan,
        training: options.training,
        open: (model, resident) => host.open(model, resident),
        number: (dims) => host.number(dims),
        legalize: (model, sizes = {}) =>
          loading(
            () =>
              legalize(model, targetOf(provider), {
                sizes: { ...options.sizes, ...sizes },
                threads: threadsOf(ort, options.sessionOptions),
              }),
            model,
          ),
        capturer,
      });
    let graphs = open();
    for (const { name, dims, data } of plan.trained) {
      const weights = backend.write(data, dims);
      const size = data.length;
      parameters.push({ name, dims, size, weights, gradient: backend.allocate(dims, 0) });
    }
    plan.fixed.forEach(enter);
    return {
      host,
      get plan() {
        return plan;
      },
      get graphs() {
        return graphs;
      },
      definition: options.optimizer ?? source.optimizer,
      parameters,
      fixed,
      lost,
      freeze(values) {
        if (values.length === 0) return () => {};
        const names = values.map(({ name }) => name);
        const frozen = [...plan.fixed.filter((f) => !f.updates).map((f) => f.name), ...names];
        const next = frozenPlan(source, { ...options, frozen }, names);
        return () => {
          for (const value of values) enter({ ...value, updates: false });
          plan = next;
          closing.push(graphs.release().catch(() => {}));
          graphs = open();
        };
      },
      async dispose() {
        await Promise.all([...closing, graphs.release()]);
        await capturer?.dispose();
        disposeArrays(backend, parameters, fixed);
        await host.dispose();
      },
    };
  } catch (error) {
    disposeArrays(backend, parameters, fixed);
    await host.dispose();
    throw error;
  }
}

/** The plan with further frozen parameters, for callers that cannot wait. */
function frozenPlan(
  source: TrainingSource,
  options: TrainerOptions,
  names: readonly string[],
): TrainingPlan {
  try {
    return planTraining(source, options);
  } catch (cause) {
    if (!(cause instanceof NotLoaded)) throw cause;
    const list = names.map((name) => JSON.stringify(name)).join(", ");
    throw new TypeError(
      `Cannot load: the file has other values of ${list}, and a graph that takes them needs code that ` +
        `is not loaded; create the trainer with { frozen: [${list}] }`,
      { cause },
    );
  }
}

/** Which operators a provider runs: whatever is neither of the GPU ones runs all. */
const targetOf = (provider: string): "cpu" | "webgpu" | "webgl" =>
  provider === "webgpu" || provider === "webgl" ? provider : "cpu";
