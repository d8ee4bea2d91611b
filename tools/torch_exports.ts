/**
 * Trains networks that PyTorch exported and compares with what training them gives there. Outside CI,
 * since the files lie outside the repository.
 *
 *     deno run -A tools/torch_exports.ts [folder] [--only name]
 *
 * @module
 */
import ort from "onnxruntime-node";
import process from "node:process";
import { parseArgs } from "node:util";
import {
  casesOf,
  exportedNetworks,
  trainCase,
} from "../packages/onnxruntime/scenarios/torch_exports.ts";

/** Losses may differ by the order of sums. */
const TOLERANCE = 1e-5;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { only: { type: "string" } },
});
const networks = exportedNetworks(positionals[0])
  .filter(({ name }) => values.only === undefined || name === values.only);

let [right, wrong, refused] = [0, 0, 0];
console.log("| network | file | parameters | losses differ by | output differs by | |");
console.log("| --- | --- | --- | --- | --- | --- |");
for (const network of networks) {
  for (const one of casesOf(network)) {
    const file = `${one.variant}${one.mode === "training" ? " (training: true)" : ""}`;
    const { trainable } = network.files[one.variant]!;
    try {
      const found = await trainCase(ort, one, positionals[0]);
      const same = [...found.parameters].sort().join() === [...trainable].sort().join();
      const good = found.lossError <= TOLERANCE;
      good ? right++ : wrong++;
      const missed = trainable.filter((name) => !found.parameters.includes(name));
      const further = found.parameters.filter((name) => !trainable.includes(name));
      console.log(
        `| ${network.name} | ${file} | ${found.parameters.length}/${trainable.length} | ` +
          `${found.lossError.toExponential(1)} | ${found.outputError.toExponential(1)} | ` +
          `${good ? "" : "WRONG"}${
            same ? "" : ` not trained: ${missed.join(", ")}; more: ${further.join(", ")}`
          } |`,
      );
    } catch (error) {
      refused++;
      console.log(`| ${network.name} | ${file} | | | | refused: ${(error as Error).message} |`);
    }
  }
}
console.log(`\n${right} right, ${wrong} wrong, ${refused} refused`);
process.exitCode = wrong + refused === 0 ? 0 : 1;
