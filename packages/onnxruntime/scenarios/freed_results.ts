/**
 * Trains a step where there is no `ArrayBuffer.transfer`, and prints the size of the gradient and
 * whether the result that brought it is freed.
 *
 * @module
 */
import * as ortNode from "onnxruntime-node";
import { type Ort, Trainer } from "../mod.ts";
import { batch, bigModel, watched } from "./watched.ts";

(ArrayBuffer.prototype as { transfer?: unknown }).transfer = undefined;
const { ort, results } = watched(ortNode as unknown as Ort);
// With an output that is wanted besides, results are handed out.
const source = { model: bigModel(), loss: { type: "mse" } } as const;
const trainer = await Trainer.create(ort, source, { outputs: ["y"] });
results.length = 0;
await trainer.step(batch(ort));
const { byteLength } = await trainer.gradient("w");
const [result] = results;
console.log(`${byteLength} bytes, freed: ${result!["w_grad"]!.data.length === 0}`);
