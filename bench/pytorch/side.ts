/** @module */
import { buildModel, DataType, tensorData, tensorDims } from "@precond/onnx";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { PytorchCase } from "./cases.ts";
import type { OurSide, Turn } from "./process.ts";

/** A process that takes turns. */
export interface Side {
  /** What it said of itself: its versions. */
  readonly about: Readonly<Record<string, string | number>>;
  take(steps: number): Promise<Turn>;
  end(): void;
}

const file = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** Starts a process that prints what it is, and then a line for each that it reads. */
async function started(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Side> {
  const child = spawn(command, [...args], {
    env: { ...Deno.env.toObject(), ...env },
    stdio: ["pipe", "pipe", "inherit"],
  });
  const failed = new Promise<never>((_, reject) => child.once("error", reject));
  // What fails while nobody waits is told to who waits next.
  failed.catch(() => {});
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => {
    const { value, done } = await Promise.race([lines.next(), failed]);
    if (done) throw new Error(`Cannot measure with ${command}: its process ended, see above`);
    return JSON.parse(value);
  };
  return {
    about: await next(),
    take(steps) {
      child.stdin.write(`${steps}\n`);
      return next();
    },
    end: () => child.stdin.end(),
  };
}

/** Our Trainer, in a Deno of its own. */
export function ourSide(given: OurSide): Promise<Side> {
  const env = { PYTORCH_CASE: JSON.stringify(given) };
  return started(Deno.execPath(), ["run", "-A", "--no-check", file("./process.ts")], env);
}

/** PyTorch, which reads the same parameters and batch from a folder. */
export async function pytorchSide(
  python: string,
  { threads, learningRate }: OurSide,
  given: PytorchCase,
  folder: string,
): Promise<Side> {
  await writeTensors(given, folder);
  const [model, ...more] = given.python;
  return await started(python, [
    file("./process.py"),
    ...[folder, model, threads, learningRate, ...more].map(String),
  ]);
}

/** All parameters and the batch, one after the other, and where each lies. */
async function writeTensors(given: PytorchCase, folder: string): Promise<void> {
  const m = buildModel();
  given.build(m);
  const parameters = m.build().graph!.initializer
    .filter(({ dataType }) => dataType === DataType.FLOAT)
    .map((tensor) => ({
      name: tensor.name,
      data: tensorData(tensor) as Float32Array,
      dims: tensorDims(tensor),
    }));
  const batch = Object.entries(given.feeds!()).map(([name, fed]) => ({ name, ...fed }));
  const index: Record<string, object> = {};
  const bytes: Uint8Array[] = [];
  let offset = 0;
  for (const { name, data, dims } of [...batch, ...parameters]) {
    index[name] = { type: data instanceof BigInt64Array ? "int64" : "float32", dims, offset };
    bytes.push(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    offset += data.byteLength;
  }
  await Deno.writeFile(
    join(folder, "tensors.bin"),
    new Uint8Array(await new Blob(bytes as BlobPart[]).arrayBuffer()),
  );
  await Deno.writeTextFile(join(folder, "tensors.json"), JSON.stringify(index));
}
