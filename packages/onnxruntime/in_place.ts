/** @module */
import { buildModel, type ModelProto, writeModel } from "@precond/onnx";
import { createSession, type Session } from "./create_session.ts";
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
 * Opens a model in a session that writes into tensors of the caller: a run in which every output has
 * one resolves to these very tensors, and makes no others.
 *
 * onnxruntime-node 1.30 writes them in place and then copies each into a new array for JavaScript,
 * which for a gradient of some megabytes can take as long as computing it. It copies output after
 * output and gives up at the first that is no tensor: so a sequence comes first, and the failure that
 * it is known to end with, and no other, counts as success. Where a build does not write in place, or
 * can hand out sequences, the session is an ordinary one.
 *
 * @throws {TypeError} For a model without outputs.
 *
 * @example
 * ```ts
 * import { buildModel } from "@precond/onnx";
 * import { openInPlace } from "@precond/onnxruntime";
 * import * as ort from "onnxruntime-node";
 *
 * const m = buildModel();
 * m.output(m.op("Neg", [m.input("x", [2])], {}, "y"));
 * const session = await openInPlace(ort, m.build());
 * const y = new ort.Tensor("float32", new Float32Array(2), [2]);
 * await session.run({ x: new ort.Tensor("float32", Float32Array.of(1, 2), [2]) }, { y });
 * console.log(y.data); // −1, −2
 * ```
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
  { refusal }: InPlace,
  ort: Ort,
  model: ModelProto,
  options: InferenceSession.SessionOptions,
): Promise<Session> {
  const outputs = model.graph!.output.map(({ name }) => name);
  if (outputs.length === 0) throw new TypeError("Cannot open the model: it has no outputs");
  if (refusal === undefined || !knowsSequences(model)) {
    return await createSession(ort, writeModel(model), options);
  }
  const session = await createSession(ort, writeModel(withStop(model)), options);
  const all = Object.fromEntries(outputs.map((name) => [name, null]));
  return {
    release: () => session.release(),
    async run(feeds, fetches = all) {
      const targets = given(fetches);
      if (targets === undefined) return await session.run(feeds, fetches);
      return await refused(session, { feeds, targets }, refusal) ?? targets;
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

  const plain = await createSession(ort, writeModel(doubled), options);
  let writes = false;
  try {
    await plain.run(feeds, { y });
    writes = target[0] === 6;
  } catch {
    // It takes no tensor for an output.
  } finally {
    await plain.release();
  }
  if (!writes) return { writes, refusal: undefined };

  target[0] = 0;
  let refusal: string | undefined;
  const stopped = await createSession(ort, writeModel(withStop(doubled)), options);
  try {
    await stopped.run(feeds, { [stop]: null, y });
  } catch (error) {
    if (target[0] === 6) refusal = (error as Error).message;
  } finally {
    await stopped.release();
  }
  return { writes, refusal };
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

/** The fetches, if there is a tensor for each. */
function given(
  fetches: Readonly<Record<string, Tensor | null>>,
): Readonly<Record<string, Tensor>> | undefined {
  const all = Object.values(fetches);
  return all.length > 0 && all.every((target) => target !== null)
    ? fetches as Readonly<Record<string, Tensor>>
    : undefined;
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
