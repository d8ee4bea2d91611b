import { buildModel, DataType, type ModelProto, readModel } from "@precond/onnx";
import assert from "node:assert/strict";
import { nodeOrt } from "../scenarios/builds.ts";
import { watched } from "../scenarios/watched.ts";
import { openAs, openInPlace, probeInPlace } from "./in_place.ts";
import type { InferenceSession, Ort, Tensor } from "./ort.ts";

const floats = ({ Tensor }: Ort, values: readonly number[]) =>
  new Tensor("float32", Float32Array.from(values), [values.length]);

/** y = t[i] and z = −t. */
function lookUp(opset?: number): ModelProto {
  const m = buildModel(opset);
  const t = m.input("t", [3]);
  m.output(m.op("Gather", [t, m.input("i", [2], DataType.INT64)], {}, "y"));
  m.output(m.op("Neg", [t], {}, "z"));
  return m.build();
}

const feeds = (ort: Ort, i: readonly [bigint, bigint]) => ({
  t: floats(ort, [5, 6, 7]),
  i: new ort.Tensor("int64", BigInt64Array.from(i), [2]),
});

const targets = (ort: Ort) => ({ y: floats(ort, [0, 0]), z: floats(ort, [0, 0, 0]) });

/** A build whose runs are what `run` makes of them. */
const through = (
  run: (
    session: InferenceSession,
    feeds: Record<string, Tensor>,
    fetches: Record<string, Tensor | null>,
  ) => Promise<InferenceSession.ReturnType>,
): Ort => ({
  Tensor: nodeOrt.Tensor,
  env: nodeOrt.env,
  InferenceSession: {
    async create(model, options) {
      const session = await nodeOrt.InferenceSession.create(model, options);
      return {
        release: () => session.release(),
        run: (feeds: Record<string, Tensor>, fetches: Record<string, Tensor | null>) =>
          run(session, feeds, fetches),
      } as unknown as InferenceSession;
    },
  },
});

Deno.test("openInPlace() writes into the given tensors, and onnxruntime-node makes no copies", async () => {
  const { ort, results } = watched(nodeOrt);
  const session = await openInPlace(ort, lookUp());
  results.length = 0;
  const given = targets(ort);
  const found = await session.run(feeds(ort, [2n, 0n]), given);
  assert.deepEqual([found["y"], found["z"]], [given.y, given.z]);
  assert.equal(found["y"], given.y);
  assert.deepEqual([...given.y.data as Float32Array], [7, 5]);
  assert.deepEqual([...given.z.data as Float32Array], [-5, -6, -7]);
  // The session has handed out nothing.
  assert.deepEqual(results, []);
  // One of two outputs only.
  const { y } = targets(ort);
  assert.deepEqual(Object.keys(await session.run(feeds(ort, [1n, 1n]), { y })), ["y"]);
  assert.deepEqual([...y.data as Float32Array], [6, 6]);
  await session.release();
});

Deno.test("openInPlace() hands out results where a tensor is missing for one", async () => {
  const session = await openInPlace(nodeOrt, lookUp());
  const { y } = targets(nodeOrt);
  for (const fetches of [{ y, z: null }, undefined, {}]) {
    const found = await session.run(feeds(nodeOrt, [0n, 1n]), fetches);
    assert.deepEqual(Object.keys(found).sort(), ["y", "z"]);
    assert.deepEqual([...found["y"]!.data as Float32Array], [5, 6]);
    assert.deepEqual([...found["z"]!.data as Float32Array], [-5, -6, -7]);
  }
  await session.release();
});

Deno.test("openInPlace() takes no failure of a run for its end", async () => {
  const session = await openInPlace(nodeOrt, lookUp());
  const outside = feeds(nodeOrt, [3n, 0n]);
  await assert.rejects(
    session.run(outside, targets(nodeOrt)),
    /Gather.*indices|out of data bounds/s,
  );
  const small = { ...targets(nodeOrt), z: floats(nodeOrt, [0]) };
  await assert.rejects(session.run(feeds(nodeOrt, [0n, 0n]), small), /dimensions for output: z/);
  await session.release();
});

Deno.test("openInPlace() refuses fetches that ONNX Runtime would leave out", async () => {
  const session = await openInPlace(nodeOrt, lookUp());
  const { y } = targets(nodeOrt);
  await assert.rejects(session.run(feeds(nodeOrt, [0n, 1n]), { yy: y }), {
    name: "TypeError",
    message: 'Cannot fetch "yy": outputs are y, z',
  });
  for (const [target, kind] of [[{ ...y }, "Object"], [undefined, "undefined"]] as const) {
    await assert.rejects(
      session.run(feeds(nodeOrt, [0n, 1n]), { y: target as unknown as Tensor }),
      {
        name: "TypeError",
        message: `Cannot fetch "y": expected a tensor of this build or null, given is ${kind}`,
      },
    );
  }
  await session.release();
});

Deno.test("openInPlace() hands out strings, which are not written in place", async () => {
  const m = buildModel();
  m.output(m.op("Identity", [m.input("x", [2], DataType.STRING)], {}, "y"));
  const session = await openInPlace(nodeOrt, m.build());
  const strings = (data: string[]) => new nodeOrt.Tensor("string", data, [2]);
  const { y } = await session.run({ x: strings(["a", "b"]) }, { y: strings(["old", "old"]) });
  assert.deepEqual(y!.data, ["a", "b"]);
  await session.release();
});

Deno.test("openInPlace() is an ordinary session where the build takes no sequences", async () => {
  const ort = {
    ...through((session, feeds, fetches) => session.run(feeds, fetches)),
    InferenceSession: {
      async create(model: Uint8Array, options?: InferenceSession.SessionOptions) {
        if (readModel(model).graph!.node.some((n) => n.opType === "SequenceConstruct")) {
          throw new Error("SequenceConstruct is not a registered function/op");
        }
        return await nodeOrt.InferenceSession.create(model, options);
      },
    },
  } as Ort;
  assert.deepEqual(await probeInPlace(ort, {}), { writes: true, refusal: undefined });
  // Also where only the probe is taken.
  for (const known of [await probeInPlace(ort, {}), await probeInPlace(nodeOrt, {})]) {
    const session = await openAs(known, ort, lookUp(), {});
    const given = targets(ort);
    await session.run(feeds(ort, [2n, 2n]), given);
    assert.deepEqual([...given.y.data as Float32Array], [7, 7]);
    await session.release();
  }
});

Deno.test("openInPlace() leaves a model that is saved as it is", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const optimizedModelFilePath = `${folder}/optimized.onnx`;
    const session = await openInPlace(nodeOrt, lookUp(), { optimizedModelFilePath });
    await session.release();
    const saved = readModel(await Deno.readFile(optimizedModelFilePath));
    assert.deepEqual(saved.graph!.output.map(({ name }) => name), ["y", "z"]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("openInPlace() is an ordinary session where sequences can be handed out", async () => {
  const ort = through(async (session, feeds, fetches) => {
    const { precond_no_results, ...others } = fetches;
    const found = await session.run(feeds, others);
    return precond_no_results === undefined ? found : { ...found, precond_no_results: null! };
  });
  assert.deepEqual(await probeInPlace(ort, {}), { writes: true, refusal: undefined });
  const session = await openInPlace(ort, lookUp());
  const given = targets(ort);
  const found = await session.run(feeds(ort, [2n, 2n]), given);
  assert.deepEqual(Object.keys(found).sort(), ["y", "z"]);
  assert.deepEqual([...given.y.data as Float32Array], [7, 7]);
  await session.release();
});

Deno.test("openInPlace() is an ordinary session where a failing run has written nothing", async () => {
  const ort = through(async (session, feeds, fetches) => {
    if ("precond_no_results" in fetches) throw new Error("no sequences here");
    return await session.run(feeds, fetches);
  });
  assert.deepEqual(await probeInPlace(ort, {}), { writes: true, refusal: undefined });
});

Deno.test("openInPlace() is an ordinary session of a model that is older than sequences", async () => {
  const session = await openInPlace(nodeOrt, lookUp(10));
  const given = targets(nodeOrt);
  await session.run(feeds(nodeOrt, [1n, 2n]), given);
  assert.deepEqual([...given.y.data as Float32Array], [6, 7]);
  await session.release();
});

Deno.test({
  name: "openInPlace() copies into the given tensors where a build does not write in place",
  // ONNX Runtime's WebAssembly keeps ports open.
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    const web = await import("onnxruntime-web") as unknown as Ort;
    assert.deepEqual(await probeInPlace(web, {}), { writes: false, refusal: undefined });
    const session = await openInPlace(web, lookUp());
    const found = await session.run(feeds(web, [2n, 0n]), { y: null, z: null });
    assert.deepEqual([...found["y"]!.data as Float32Array], [7, 5]);
    const { y } = targets(web);
    const mixed = await session.run(feeds(web, [1n, 2n]), { y, z: null });
    assert.equal(mixed["y"], y);
    assert.deepEqual([...y.data as Float32Array], [6, 7]);
    assert.deepEqual([...mixed["z"]!.data as Float32Array], [-5, -6, -7]);
    const small = { ...targets(web), z: floats(web, [0]) };
    await assert.rejects(session.run(feeds(web, [0n, 0n]), small), {
      name: "TypeError",
      message: 'Cannot fetch "z": expected float32 [3], given is float32 [1]',
    });
    await session.release();
  },
});

Deno.test("openInPlace() refuses a model without outputs", async () => {
  const model = lookUp();
  const empty = { ...model, graph: { ...model.graph!, output: [] } };
  await assert.rejects(openInPlace(nodeOrt, empty), {
    name: "TypeError",
    message: "Cannot open the model: it has no outputs",
  });
});
