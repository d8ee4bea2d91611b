/**
 * Makes trainers.
 *
 * @module
 */
import { exportedParameters, exportNotes, loading } from "@precond/onnx/on_demand";
import type { Engine } from "../engine/engine_types.ts";
import { bytesOf } from "../engine/feeds/element_types.ts";
import { requireExamples } from "../engine/feeds/feeds.ts";
import { kindOf } from "../engine/feeds/kind_of.ts";
import { takeFeeds, type TakenFeeds } from "../engine/feeds/take_feeds.ts";
import { openEngine } from "../engine/open_engine.ts";
import type { TrainerOptions } from "../engine/options.ts";
import { type Setup, setUp } from "../engine/set_up.ts";
import { createWatchers } from "../engine/watchers.ts";
import { readSource, type TrainerSource } from "../graphs/source.ts";
import type { Ort, Tensor } from "../hosts/ort.ts";
import { loadAdapter, saveAdapter } from "../saving/adapters.ts";
import { averagesOf, exportTrained } from "../saving/export_trained.ts";
import { loadTrainer } from "../saving/load.ts";
import { saveTrainer } from "../saving/save.ts";
import {
  checkBuild,
  checkComputeOptions,
  checkExportOptions,
  checkSaveAdapterOptions,
  checkSaveOptions,
  checkStepOptions,
  checkTrainerOptions,
} from "./check_options.ts";
import { fitTrainer } from "./fit.ts";
import { oneByOne } from "./one_by_one.ts";
import { parameterAccess } from "./parameter_access.ts";
import type { StepOptions, StepOutcome } from "./options.ts";
import { computeGradients, takeReplicas } from "./replicas.ts";
import type { Trainer } from "./trainer_interface.ts";

/** @throws As `Trainer.create()`; nothing stays open then. */
export async function createTrainer(
  ort: Ort,
  given: TrainerSource,
  options?: TrainerOptions,
): Promise<Trainer> {
  checkBuild(ort);
  const checked = checkTrainerOptions(options);
  const source = await loading(() => readSource(given));
  const notes = await loading(() => exportNotes(exportedParameters(source.model)));
  const setup = await setUp(ort, source, checked);
  const engine = await openEngine("create a trainer", ort, setup, checked);
  return makeTrainer(setup, engine, { accumulate: checked.accumulate ?? 1, notes });
}

function makeTrainer<A>(
  setup: Setup<A>,
  engine: Engine<A>,
  { accumulate, notes }: { readonly accumulate: number; readonly notes: readonly string[] },
): Trainer {
  const { host, parameters } = setup;
  const { driver } = engine;
  const inTurn = oneByOne(setup.lost);
  const watchers = createWatchers(host, driver, parameters, engine.gradientOf);
  const access = parameterAccess(setup, engine);

  const step = async (feeds: TakenFeeds, options: StepOptions): Promise<StepOutcome> => {
    const last = engine.gathered.runs >= accumulate - 1;
    const gathering = { ...options, sample: last };
    const { loss, outputs } = last
      ? await engine.step(feeds, gathering, watchers)
      : await engine.gather(feeds, gathering);
    return outcomeOf(loss, outputs);
  };

  const evaluate = async (feeds: TakenFeeds): Promise<StepOutcome> => {
    const loaded = await setup.graphs.evaluation();
    const name = loaded.graph.loss!;
    const { [name]: loss, ...outputs } = await engine.forward(
      "evaluate",
      loaded,
      feeds,
      (given) => requireExamples("evaluate", given),
    );
    return outcomeOf(await host.read(loss!), outputs);
  };

  const trainer: Omit<Trainer, typeof Symbol.asyncDispose> = {
    parameters: parameters.map((p) => p.name),
    notes,
    definition: driver.definition,
    get iteration() {
      return driver.iteration;
    },
    get learningRate() {
      return driver.learningRate;
    },
    set learningRate(rate) {
      driver.learningRate = rate;
    },
    get curvatureDue() {
      return engine.curvatureDue;
    },
    async step(feeds, options) {
      // Now: when its turn comes, the caller may have filled the arrays with the next batch.
      const taken = takeFeeds(feeds);
      const checked = checkStepOptions(options);
      return await inTurn("step", () => step(taken, checked));
    },
    async computeGradients(feeds, options) {
      const taken = takeFeeds(feeds);
      const checked = checkComputeOptions(options);
      const compute = () => computeGradients(setup, engine, taken, checked);
      return await inTurn("compute gradients", compute);
    },
    async applyReplicas(replicas) {
      const combined = takeReplicas(setup, replicas);
      return await inTurn("apply replicas", () => {
        const { runs } = engine.gathered;
        if (runs === 0) return engine.stepWith(combined, watchers);
        throw new TypeError(
          `Cannot apply replicas: ${runs} of the ${accumulate} steps of an update are gathered; ` +
            `finish it with step()`,
        );
      });
    },
    evaluate(feeds) {
      const taken = takeFeeds(feeds);
      return inTurn("evaluate", () => evaluate(taken));
    },
    predict(feeds) {
      const taken = takeFeeds(feeds);
      return inTurn(
        "predict",
        async () => await engine.forward("predict", await setup.graphs.prediction(), taken),
      );
    },
    fit: (batches, options) => fitTrainer(trainer, batches, options),
    parameter: (name) => inTurn.aside("read a parameter", () => access.read(name)),
    setParameter(name, values) {
      inTurn.idle("set a parameter");
      access.write(name, values);
    },
    slot: (parameter, slot) => inTurn.aside("read a slot", () => access.readSlot(parameter, slot)),
    gradient: (name) => inTurn.aside("read a gradient", () => access.readGradient(name)),
    telemetry(options) {
      inTurn.open("report telemetry");
      return watchers.add(options);
    },
    async save(options) {
      const { format = "safetensors" } = checkSaveOptions(options);
      return await inTurn("save", () => saveTrainer(setup, engine, format));
    },
    load(given) {
      inTurn.idle("load");
      const bytes = bytesOf(given);
      if (bytes === undefined) {
        throw new TypeError(
          `Cannot load: expected the file's bytes as a Uint8Array, given is ${kindOf(given)}`,
        );
      }
      loadTrainer(bytes, setup, engine, accumulate);
    },
    async saveAdapter(options) {
      const checked = checkSaveAdapterOptions(options);
      return await inTurn("save the adapter", () => saveAdapter(setup, checked));
    },
    loadAdapter(files) {
      inTurn.idle("load the adapter");
      loadAdapter(files, setup, engine);
    },
    async exportModel(options) {
      const { averaged = false } = checkExportOptions(options);
      return await inTurn(
        "export the model",
        () => exportTrained(setup, averaged ? averagesOf(driver, setup) : undefined),
      );
    },
    release: () =>
      inTurn.last("release", async () => {
        watchers.dispose();
        engine.dispose();
        await setup.dispose();
      }),
  };
  // Engines before 2024 have no such symbol.
  const asyncDispose: symbol | undefined = Symbol.asyncDispose;
  if (asyncDispose !== undefined) {
    Object.defineProperty(trainer, asyncDispose, { value: () => trainer.release() });
  }
  return trainer as Trainer;
}

/** The loss, all outputs by their names, and beside it those that it does not hide. */
function outcomeOf(loss: number, outputs: Readonly<Record<string, Tensor>>): StepOutcome {
  return { ...outputs, loss, outputs };
}
