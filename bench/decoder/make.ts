/**
 * Writes the decoder as a file with its weights beside it; a process of its own, as it holds them all.
 *
 * @module
 */
import { buildModel, writeModel } from "@precond/onnx";
import { join } from "node:path";
import { decoder, smol } from "./network.ts";

if (import.meta.main) {
  const [folder, length] = Deno.args as [string, string];
  const m = buildModel();
  decoder(m, { ...smol, length: Number(length) });
  const externalData = { location: "decoder.data" };
  const { bytes, data } = writeModel(m.build(), { externalData });
  await Deno.writeFile(join(folder, "decoder.onnx"), bytes);
  await Deno.writeFile(join(folder, "decoder.data"), data);
}
