// The tables of refusals and failures that every host runs, on trainers.
import { adam, type Definition } from "@precond/core";
import { buildModel } from "@precond/onnx";
import {
  checkEveryFailure,
  checkFailure,
  checkHostRefusals,
  type FailingFactory,
  failureCases,
  type FallibleTraining,
  steppedDefinitions,
  steppedShapes,
  troubled,
} from "@precond/testing";
import assert from "node:assert/strict";
import { createEngine } from "../engine/engine.ts";
import { takeFeeds } from "../engine/feeds/take_feeds.ts";
import { setUp } from "../engine/set_up.ts";
import { readSource } from "../graphs/source.ts";
import type { Ort } from "../hosts/ort.ts";
import { Trainer, type TrainerOptions } from "../mod.ts";
import { gpuOrt, mlp, nodeOrt } from "./builds.ts";

const adapter = await navigator.gpu?.requestAdapter();
const places: Readonly<Record<string, () => Promise<Ort>>> = {
  cpu: () => Promise.resolve(nodeOrt),
  ...(adapter ? { webgpu: gpuOrt } : {}),
};

Deno.test("Trainer.create() refuses what is no definition, and options that it does not have", async () => {
  const { model, loss } = mlp();
  await checkHostRefusals({
    async make(optimizer, options) {
      const isRecord = typeof options === "object" && options !== null && !Array.isArray(options);
      const given = options === undefined || isRecord ? { optimizer, ...options } : options;
      const trainer = await Trainer.create(nodeOrt, { model, loss }, given as TrainerOptions);
      await trainer.release();
    },
    definition: adam(),
    uncalled: adam,
    hasDefault: true,
    options: {
      trainable: ["w1", 1],
      frozen: ["w1", [1]],
      training: [1, "yes"],
      executionProviders: ["cpu", []],
      sizes: [{ N: 0 }, { N: "4" }, 4],
      sessionOptions: [1, []],
      capture: ["no"],
      accumulate: [0, 1.5, NaN, "2"],
      seed: [-1, 1.5, NaN, "1", 2 ** 32],
      outputs: ["y", [1]],
      hutchinson: ["fd", true],
      differenceStep: [0, -1, NaN, Infinity, "1e-3"],
    },
  });
});

/** A model whose gradients are what it is fed: `Σ ⟨p, g⟩`. */
function linear(shapes: Readonly<Record<string, readonly number[]>>) {
  const m = buildModel();
  const terms = Object.entries(shapes).map(([name, shape]) => {
    const size = shape.reduce((a, b) => a * b, 1);
    const p = m.parameter(name, shape, new Float32Array(size).fill(1));
    return m.op("ReduceSum", [m.op("Mul", [p, m.input(`${name}_fed`, shape)])], { keepdims: 0 });
  });
  m.output(terms.reduce((sum, x) => m.op("Add", [sum, x])));
  const model = m.build();
  return { model, output: model.graph!.output[0]!.name };
}

function test(name: string, place: string, fn: () => Promise<void>): void {
  // ONNX Runtime keeps its device for the life of the process.
  Deno.test({ name: `${name} on ${place}`, sanitizeOps: false, sanitizeResources: false, fn });
}

for (const [place, load] of Object.entries(places)) {
  const factory: FailingFactory = async (optimizer: Definition) => {
    const trainer = await Trainer.create(await load(), linear({ a: [2], b: [2] }), {
      optimizer,
      executionProviders: [place],
    });
    return {
      async step({ a, b }) {
        const feed = (values: readonly number[]) => ({
          data: Float32Array.from(values),
          dims: [2],
        });
        await trainer.step({ a_fed: feed(a), b_fed: feed(b) });
      },
      state: async () => [
        trainer.iteration,
        [...await trainer.parameter("a")],
        [...await trainer.parameter("b")],
        [...await trainer.save()],
      ],
      dispose: () => trainer.release(),
    };
  };
  for (const failure of failureCases) {
    test(`${failure.name}: nothing has changed`, place, () => checkFailure(failure, factory));
  }
}

const feeds = (t: number) =>
  takeFeeds(Object.fromEntries(
    Object.entries(steppedShapes).map(([name, dims]) => {
      const size = dims.reduce((a: number, b) => a * b, 1);
      const data = Float32Array.from({ length: size }, (_, i) => Math.sin(7 * t + 3 * i));
      return [`${name}_fed`, { data, dims }];
    }),
  ));

/** An engine on a backend that fails where it is told to. */
async function open(
  ort: Ort,
  place: string,
  optimizer: Definition,
  accumulate: number,
): Promise<FallibleTraining> {
  const options = { optimizer, accumulate, executionProviders: [place] };
  const setup = await setUp(ort, readSource(linear(steppedShapes)), options);
  const trouble = troubled(setup.host.backend);
  const engine = createEngine(ort, {
    ...setup,
    graphs: setup.graphs,
    plan: setup.plan,
    host: { ...setup.host, backend: trouble.backend },
  }, options);
  const read = async (array: unknown) => [...await trouble.backend.read(array)];
  return {
    async step(t, failing = Infinity) {
      trouble.failAt(failing);
      const last = engine.gathered.runs >= accumulate - 1;
      const gathering = { sample: false, batchSize: 64 };
      try {
        await (last ? engine.step(feeds(t), gathering) : engine.gather(feeds(t), gathering));
        return true;
      } catch (error) {
        assert.match((error as Error).message, /it fails$/);
        return false;
      } finally {
        trouble.mended();
      }
    },
    async state() {
      const { iteration, parameters } = engine.driver.state();
      const slots = [...parameters.values()].flatMap(({ slots }) => Object.values(slots));
      const gathered = engine.gathered.runs === 0 ? [] : engine.gatheredArrays();
      return [
        iteration,
        engine.gathered,
        await Promise.all(setup.parameters.map((p) => read(p.weights))),
        await Promise.all(slots.map(read)),
        await Promise.all(gathered.map(({ array }) => read(array))),
      ];
    },
    async end() {
      engine.dispose();
      await setup.dispose();
    },
  };
}

for (const [place, load] of Object.entries(places)) {
  for (const name of ["one program", "two groups", "a basis"]) {
    for (const accumulate of place === "cpu" ? [1, 2] : [1]) {
      test(
        `whatever fails of a step of ${name}, nothing has changed, accumulate ${accumulate},`,
        place,
        async () => {
          const ort = await load();
          const failures = await checkEveryFailure(
            () => open(ort, place, steppedDefinitions[name]!(), accumulate),
            3 * accumulate,
          );
          assert.ok(failures >= 3, `${failures} failures`);
        },
      );
    }
  }
}
