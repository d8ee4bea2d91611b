/** @module */
import type { ModelProto } from "@precond/onnx";
import { buildModel, loading } from "@precond/onnx/on_demand";
import { createSession, type Session } from "./create_session.ts";
import { kindOf } from "../engine/feeds/kind_of.ts";
import type { InferenceSession, Ort, Tensor } from "./ort.ts";

/** What a build does with tensors that are handed in for its outputs. */
export interface InPlace {
  /** Whether a run writes into them: onnxruntime-node's does, -web's does not. */
  readonly writes: boolean;
  /** What a run that wrote into all of them says in place of results; undefined if it cannot be led to. */
  readonly refusal: string | undefined;
}

/** An output that no build can hand out: a sequence. */
const stop = "precond_no_results";

/**
 * Opens a model in a session that writes into tensors of the caller: a run whose `fetches` hold a
 * tensor for each output that they name resolves to these very tensors, and makes no others. Where one
 * is null, or of strings, all results are new arrays, besides what is written in place.
 *
 * onnxruntime-node 1.30 writes them in place and then copies each into a new array for JavaScript,
 * which for a gradient of some megabytes can take as long as computing it. It copies output after
 * output and gives up at the first that is no tensor: so a sequence comes first, and the failure that
 * it is known to end with, and no other, counts as success. A build that can hand out sequences makes
 * its copies; of one that does not write in place (onnxruntime-web) results are copied into the tensors.
 *
 * @throws {TypeError} For a model without outputs; a run, for a name that is no output and for what is
 *   no tensor of this build.
 */
export async function openInPlace(
  ort: Ort,
  model: ModelProto,
  options: InferenceSession.SessionOptions = {},
): Promise<Session> {
  return await openAs(await probeInPlace(ort, options), ort, model, options);
}

/** The same, where it is known what the build does. */
export async function openAs(
  { writes, refusal }: InPlace,
  ort: Ort,
  model: ModelProto,
  options: InferenceSession.SessionOptions,
): Promise<Session> {
  const outputs = model.graph!.output.map(({ name }) => name);
  if (outputs.length === 0) throw new TypeError("Cannot open the model: it has no outputs");
  const stopping = refusal !== undefined && knowsSequences(model);
  const stopped = stopping ? await openStopped(ort, model, options) : undefined;
  const session = stopped ?? await createSession(ort, model, options);
  const all = Object.fromEntries(outputs.map((name) => [name, null]));
  return {
    release: () => session.release(),
    async run(feeds, fetches = {}) {
      checkFetches(ort, outputs, fetches);
      // Without a fetch all are wanted; the stop never is.
      const wanted = Object.keys(fetches).length === 0 ? all : fetches;
      if (!writes) return await filled(session, feeds, wanted);
      const targets = stopped === undefined ? undefined : givenIn(wanted);
      if (targets === undefined) return await session.run(feeds, wanted);
      return await refused(session, { feeds, targets }, refusal!) ?? targets;
    },
  };
}

/** Finds out what a build does, on models of one number. */
export async function probeInPlace(
  ort: Ort,
  options: InferenceSession.SessionOptions,
): Promise<InPlace> {
  const m = buildModel();
  const x = m.input("x", [1]);
  m.output(m.op("Add", [x, x], {}, "y"));
  const doubled = m.build();
  const target = new Float32Array(new WebAssembly.Memory({ initial: 1 }).buffer, 0, 1);
  const y = new ort.Tensor("float32", target, [1]);
  const feeds = { x: new ort.Tensor("float32", Float32Array.of(3), [1]) };

  // Of the probes nothing is written to files.
  const { enableProfiling: _, optimizedModelFilePath, ...quiet } = options;
  const plain = await createSession(ort, doubled, quiet);
  let writes = false;
  try {
    await plain.run(feeds, { y });
    writes = target[0] === 6;
  } catch {
    // It takes no tensor for an output.
  } finally {
    await plain.release();
  }
  // A model that is saved is to be the caller's.
  if (!writes || optimizedModelFilePath !== undefined) return { writes, refusal: undefined };

  target[0] = 0;
  let refusal: string | undefined;
  const stopped = await openStopped(ort, doubled, quiet);
  try {
    await stopped?.run(feeds, { [stop]: null, y });
  } catch (error) {
    if (target[0] === 6) refusal = (error as Error).message;
  } finally {
    await stopped?.release();
  }
  return { writes, refusal };
}

/** Undefined where the build does not take it: one without sequences, or with too few operators. */
async function openStopped(
  ort: Ort,
  model: ModelProto,
  options: InferenceSession.SessionOptions,
): Promise<Session | undefined> {
  try {
    return await createSession(ort, await loading(() => withStop(model)), options);
  } catch {
    return undefined;
  }
}

/** The results, if the session hands them out all the same. */
async function refused(
  session: Session,
  { feeds, targets }: {
    readonly feeds: Readonly<Record<string, Tensor>>;
    readonly targets: Readonly<Record<string, Tensor>>;
  },
  refusal: string,
): Promise<Readonly<Record<string, Tensor>> | undefined> {
  try {
    return await session.run(feeds, { [stop]: null, ...targets });
  } catch (error) {
    if (error instanceof Error && error.message === refusal) return undefined;
    throw error;
  }
}

/** A run whose results are copied into the fetches; those on a GPU are written in place by every build. */
async function filled(
  session: Session,
  feeds: Readonly<Record<string, Tensor>>,
  fetches: Readonly<Record<string, Tensor | null>>,
): Promise<Readonly<Record<string, Tensor>>> {
  const asked = Object.entries(fetches).map(([name, target]) =>
    [name, target?.location === "cpu" ? null : target] as const
  );
  const results = await session.run(feeds, Object.fromEntries(asked));
  return Object.fromEntries(
    Object.entries(results).map(([name, result]) => {
      const target = fetches[name];
      if (!target || target.location !== "cpu" || target.type === "string") return [name, result];
      const [given, actual] = [target, result].map(({ type, dims }) => `${type} [${dims}]`);
      if (given !== actual) {
        throw new TypeError(`Cannot fetch "${name}": expected ${actual}, given is ${given}`);
      }
      (target.data as Float32Array).set(result.data as Float32Array);
      return [name, target];
    }),
  );
}

/** The fetches, if there is a tensor for each that can be written into. */
function givenIn(
  fetches: Readonly<Record<string, Tensor | null>>,
): Readonly<Record<string, Tensor>> | undefined {
  // Strings are copied in and never out.
  return Object.values(fetches).every((target) => target !== null && target.type !== "string")
    ? fetches as Readonly<Record<string, Tensor>>
    : undefined;
}

/** ONNX Runtime leaves out what it does not know: nothing would be written, and nobody told. */
function checkFetches(
  ort: Ort,
  outputs: readonly string[],
  fetches: Readonly<Record<string, unknown>>,
): void {
  for (const [name, target] of Object.entries(fetches)) {
    if (!outputs.includes(name)) {
      throw new TypeError(`Cannot fetch "${name}": outputs are ${outputs.join(", ")}`);
    }
    if (target !== null && !(target instanceof ort.Tensor)) {
      throw new TypeError(
        `Cannot fetch "${name}": expected a tensor of this build or null, given is ${
          kindOf(target)
        }`,
      );
    }
  }
}

/** The model with a first output that no run can hand out. */
function withStop(model: ModelProto): ModelProto {
  const graph = model.graph!;
  const m = buildModel();
  m.output(
    m.op("SequenceConstruct", [m.parameter(`${stop}_element`, [1], new Float32Array(1))], {}, stop),
  );
  const added = m.build().graph!;
  return {
    ...model,
    graph: {
      ...graph,
      initializer: [...graph.initializer, ...added.initializer],
      node: [...graph.node, ...added.node],
      output: [...added.output, ...graph.output],
    },
  };
}

/** SequenceConstruct is from opset 11. */
function knowsSequences({ opsetImport }: ModelProto): boolean {
  return opsetImport.some(({ domain, version }) => domain === "" && version >= 11n);
}
