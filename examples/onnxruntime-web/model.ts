/** The model, and its training on the GPU where there is one. */
import { adamW } from "@precond/core";
import { buildModel, type ModelProto } from "@precond/onnx";
import { Trainer } from "@precond/onnxruntime";
import * as ort from "onnxruntime-web/webgpu";
import { type Drawing, feedsOf, kinds, side, uniform } from "./drawings.ts";

ort.env.wasm.wasmPaths = new URL("ort/", location.href).href;
ort.env.logLevel = "error";

export type Provider = "webgpu" | "wasm";

function makeModel(): ModelProto {
  const normal = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  const m = buildModel();
  let h = m.input("x", ["N", side * side]);
  const sizes = [side * side, 32, kinds.length];
  for (let k = 1; k < sizes.length; k++) {
    const [from, to] = [sizes[k - 1]!, sizes[k]!];
    const values = Float32Array.from({ length: from * to }, () => normal() * Math.sqrt(2 / from));
    const w = m.parameter(`w${k}`, [from, to], values);
    const b = m.parameter(`b${k}`, [to], new Float32Array(to));
    h = m.op("Gemm", [h, w, b], {}, k === sizes.length - 1 ? "logits" : `z${k}`);
    if (k < sizes.length - 1) h = m.op("Relu", [h]);
  }
  m.output(h);
  return m.build();
}

/** A trainer on the first of these providers that works here. */
export async function makeTrainer(
  wanted: readonly Provider[],
): Promise<{ trainer: Trainer; provider: Provider }> {
  const source = { model: makeModel(), loss: { type: "crossEntropy" } } as const;
  const failures: unknown[] = [];
  for (const provider of wanted) {
    try {
      if (provider === "webgpu" && !(await gpu()?.requestAdapter())) {
        throw new Error("this browser has no WebGPU adapter");
      }
      const trainer = await Trainer.create(ort, source, {
        optimizer: adamW({ learningRate: 0.003 }),
        executionProviders: [provider],
      });
      return { trainer, provider };
    } catch (error) {
      failures.push(error);
    }
  }
  throw new AggregateError(failures, `Cannot train here: ${failures.join("; ")}`);
}

const gpu = () => (navigator as { gpu?: { requestAdapter(): Promise<object | null> } }).gpu;

/** Probabilities of {@linkcode kinds} for each drawing. */
export async function recognise(
  trainer: Trainer,
  drawings: readonly Drawing[],
): Promise<number[][]> {
  const { x } = feedsOf(drawings);
  const { logits } = await trainer.predict({ x });
  const values = await logits!.getData() as Float32Array;
  return drawings.map((_, i) => {
    const row = Array.from(values.subarray(i * kinds.length, (i + 1) * kinds.length));
    const most = Math.max(...row);
    const powers = row.map((z) => Math.exp(z - most));
    const sum = powers.reduce((a, b) => a + b);
    return powers.map((p) => p / sum);
  });
}

/** Share of the drawings that are recognised. */
export async function accuracy(trainer: Trainer, drawings: readonly Drawing[]): Promise<number> {
  const rows = await recognise(trainer, drawings);
  const right = rows.filter((row, i) => row.indexOf(Math.max(...row)) === drawings[i]!.kind);
  return right.length / drawings.length;
}
