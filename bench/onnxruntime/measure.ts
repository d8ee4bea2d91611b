/** @module */
import "@tensorflow/tfjs-backend-wasm";
import "@tensorflow/tfjs-layers"; // registers the gradients
import process from "node:process";
import { adapterName } from "../adapter.ts";
import { interleaved, type Turns, wholeSteps } from "../overhead/interleaved.ts";
import { checkSamples } from "../overhead/rows.ts";
import { currentOrt } from "./builds.ts";
import { ours, tfjsContenders, trainingSession } from "./contenders.ts";
import { type Place, type TrainingCase, type TrainingRow, trainingRows } from "./rows.ts";

/** All rows of one case, in the process that it is called in: Deno or Node.js. */
export async function measureTraining(
  given: TrainingCase,
  turns: Turns = wholeSteps,
): Promise<TrainingRow[]> {
  checkSamples(given.samples);
  const { ort, version } = await currentOrt(given.provider, given.threads);
  const contenders = [
    ...await ours(given, ort),
    await trainingSession(given),
    ...await tfjsContenders(given),
  ];
  try {
    const times = await interleaved(
      contenders.map(({ name, train, part }) => ({
        name,
        step: async () => {
          await train();
        },
        ...(part ? { part } : {}),
      })),
      given.samples,
      undefined,
      turns,
    );
    const deno: string | undefined = process.versions.deno;
    const place: Place = {
      runtime: deno === undefined ? "node" : "deno",
      version: deno ?? process.versions.node,
      onnxruntime: version,
      gpu: given.provider === "webgpu" ? await adapterName() : null,
    };
    return trainingRows(given, place, times);
  } finally {
    for (const contender of contenders) await contender.dispose();
  }
}
