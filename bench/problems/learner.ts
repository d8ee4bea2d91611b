/**
 * What trains a network: tfjs on one of its backends, or what is added.
 *
 * @module
 */
import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-wasm";
import "@tensorflow/tfjs-layers"; // registers the gradients
import type { Schedule } from "@precond/core";
import { precond } from "@precond/tfjs";
import * as tf from "@tensorflow/tfjs-core";
import { finished, gpuBackends, onnxGpu } from "../gpu.ts";
import type { Method } from "../methods.ts";
import type { Examples } from "./digits.ts";
import type { Evaluation } from "./evaluation.ts";
import { hostOptimizer } from "./host.ts";
import {
  type Batch,
  build,
  drop,
  evaluateAsync,
  type Model,
  readWeights,
  upload,
  writeWeights,
} from "./model.ts";
import { type Reporting, type SignalWatch, watchSignals } from "./signal.ts";
import type { Start, Weights } from "./weights.ts";

/** A network in training. */
export interface Learner<B = unknown> {
  /** Brings examples to where the network is. */
  upload(examples: Examples): B;
  step(batch: B, n: number): void | Promise<void>;
  /** Waits until the device has done all steps. */
  settle(): Promise<void>;
  evaluate(batch: B): Promise<Evaluation>;
  /** Copies of the weights. */
  weights(): Promise<Weights>;
  /** Overwrites the weights; the optimizer keeps its state. */
  setWeights(weights: Weights): void;
  /** Watches T of the layers after every so many steps; undefined where nothing estimates it. */
  watch?(every: number): SignalWatch | undefined;
  drop(batch: B): void;
  dispose(): void | Promise<void>;
}

/** How a learner is trained. */
export interface Training {
  readonly method: Method;
  readonly schedule: Schedule;
  /** Of what is random: batches, weights, labels of curvature samples. */
  readonly seed: number;
  readonly batchSize: number;
}

/** What a learner of a network is made of. */
export type LearnerOptions = Start & Training;

/** Backends of ONNX Runtime, beside those of tfjs. */
export const onnxBackends: readonly string[] = ["onnxruntime", "onnxruntime-wasm", onnxGpu];

/** The library whose own optimizer takes part, and the library around ours. */
export function librariesOf(backend: string): { readonly host: string; readonly ours: string } {
  return onnxBackends.includes(backend)
    ? { host: "@precond/onnxruntime", ours: "@precond/onnxruntime" }
    : { host: "@tensorflow/tfjs-core", ours: "@precond/tfjs" };
}

/** Makes learners. */
export type LearnerFactory = (backend: string, options: LearnerOptions) => Promise<Learner>;

const factories = new Map<string, LearnerFactory>();

/** Adds a backend that is no backend of tfjs: pages do without what they cannot load. */
export function addBackend(backend: string, factory: LearnerFactory): void {
  factories.set(backend, factory);
}

/** Makes a learner on a backend. */
export function createLearner(backend: string, options: LearnerOptions): Promise<Learner> {
  return (factories.get(backend) ?? tensorLearner)(backend, options);
}

/** What a training loop needs of an optimizer, ours, which reports, or the host's. */
interface Stepper extends Partial<Reporting> {
  minimize(f: () => tf.Scalar, returnCost: boolean, variables: tf.Variable[]): unknown;
  dispose(): void;
}

function stepper(
  { method, schedule, seed, batchSize }: Training,
): { optimizer: Stepper; before(step: number): void } {
  if (method.host) {
    const { shipped, centre } = method;
    return hostOptimizer(method.host, shipped ? () => centre.network : schedule);
  }
  const optimizer = precond(method.definition(schedule, "network"), { seed, batchSize });
  return { optimizer, before: () => {} };
}

async function tensorLearner(backend: string, options: LearnerOptions): Promise<Learner> {
  const { network } = options;
  await startTensors(backend, network.layers.some(({ type }) => type !== "dense"));
  return modelLearner(backend, options, build(options));
}

/** Makes a backend of tfjs the one that computes, on wasm with what more than dense layers need. */
export async function startTensors(backend: string, more: boolean): Promise<void> {
  if (tf.getBackend() !== backend) await tf.setBackend(backend);
  await tf.ready();
  if (backend === "wasm" && more) {
    (await import("@precond/tfjs/wasm_training")).enableWasmTraining();
  }
}

/** A learner of a model in tfjs, which it disposes with itself. */
export function modelLearner(backend: string, how: Training, model: Model): Learner {
  const { optimizer, before } = stepper(how);
  const learner: Learner<Batch> = {
    upload: (examples) => upload(examples, model.lossName),
    step(batch, n) {
      before(n);
      optimizer.minimize(model.loss(batch), false, model.variables);
    },
    async settle() {
      if (gpuBackends.includes(backend)) await finished(model.variables.at(-1)!);
    },
    evaluate: (batch) => evaluateAsync(model, batch),
    weights: () => readWeights(model),
    setWeights: (weights) => writeWeights(model, weights),
    watch(every) {
      const { variables, names = variables.map(({ name }) => name) } = model;
      const arrays = variables.map(({ name, shape }, i) => [name, names[i]!, shape] as const);
      return "telemetry" in optimizer
        ? watchSignals(optimizer as Reporting, every, arrays)
        : undefined;
    },
    drop,
    dispose() {
      optimizer.dispose();
      model.dispose();
    },
  };
  return learner as Learner;
}
