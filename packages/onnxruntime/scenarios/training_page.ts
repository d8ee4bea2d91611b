/**
 * The page of browser_test.ts: trains on a provider of onnxruntime-web.
 *
 * @module
 */
import { buildModel } from "@precond/onnx";
import { basisCases, checkConformance, conformanceCases, heldCases } from "@precond/testing";
import { type Route, trainerSubject } from "./conformance.ts";
import { type Ort, Trainer, type TrainerOptions, type TrainerSource } from "../mod.ts";
import { block, cnn, mlp } from "./networks.ts";
import { lossesOf, type OptimizerName, optimizers } from "./losses.ts";

/** A provider, which has a build of its own. */
export type Provider = "webgpu" | "wasm" | "webgl";

/** A network of networks.ts. */
export type NetworkName = "mlp" | "cnn" | "block";

const builds = {
  webgpu: () => import("onnxruntime-web/webgpu"),
  wasm: () => import("onnxruntime-web/wasm"),
  webgl: () => import("onnxruntime-web/webgl"),
};
const networks = { mlp, cnn, block };

let ort: Ort;
let options: TrainerOptions;

/** Loads a provider's build of ONNX Runtime, which the page keeps. */
export async function start(provider: Provider): Promise<void> {
  const { env, ...build } = await builds[provider]();
  env.wasm.wasmPaths = new URL("/ort/", location.href).href;
  env.wasm.numThreads = 1;
  env.logLevel = "error";
  ort = { env, ...build } as unknown as Ort;
  options = { executionProviders: [provider] };
}

/** Runs a conformance case; every batch of it has four rows. */
export function conformance(name: string, route: Route, steps: number): Promise<void> {
  const reads = options.executionProviders!.includes("webgpu") ? "async" : "sync";
  const bases = basisCases({ reads, outputAxis: "first" });
  const test = [...conformanceCases, ...heldCases, ...bases].find((c) => c.name === name)!;
  const factory = trainerSubject(ort, test, route, { ...options, sizes: { N: 4 } });
  return checkConformance(test, factory, { steps });
}

/** Losses of a few steps, then that of an evaluation. */
export function train(
  network: NetworkName,
  optimizer: OptimizerName,
  steps: number,
): Promise<number[]> {
  const net = networks[network]();
  const sizes = { N: net.feeds(0)["x"]!.dims[0]! };
  return lossesOf(ort, net, { ...options, optimizer: optimizers[optimizer](), sizes }, steps);
}

/** Goes on as a browser that has no adapter, with these providers. */
export function withoutAdapter(executionProviders: readonly string[]): void {
  const gpu = { requestAdapter: () => Promise.resolve(null) };
  Object.defineProperty(navigator, "gpu", { value: gpu, configurable: true });
  options = { executionProviders };
}

/** A product with a parameter, written as Einsum. */
function product(): TrainerSource {
  const m = buildModel();
  const w = m.parameter("w", [6, 3], new Float32Array(18));
  m.output(m.op("Einsum", [m.input("x", ["N", 6]), w], { equation: "ni,ij->nj" }, "logits"));
  return { model: m.build(), loss: { type: "crossEntropy" } };
}

type ModelName = "product" | "mlp";
const sources: Readonly<Record<ModelName, () => TrainerSource>> = { product, mlp };

/** The message of the first step of a model that the provider cannot run; "none" if it can. */
export async function refusal(
  model: ModelName,
  sizes: Readonly<Record<string, number>>,
): Promise<string> {
  let trainer: Trainer | undefined;
  try {
    // What the provider does not run is refused here, not in the first step.
    trainer = await Trainer.create(ort, sources[model](), { ...options, sizes });
    await trainer.step(mlp().feeds(0));
    return "none";
  } catch (error) {
    return (error as Error).message;
  } finally {
    await trainer?.release();
  }
}
