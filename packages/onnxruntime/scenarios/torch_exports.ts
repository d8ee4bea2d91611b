/**
 * Networks that PyTorch exported, and what training them gives there: a folder with `NAME.json` and
 * `NAME.VARIANT.onnx`, made by a script that lies beside them.
 *
 * @module
 */
import { adam } from "@precond/core";
import type { Loss } from "@precond/onnx";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Ort, Trainer } from "../mod.ts";

interface StoredTensor {
  readonly dtype: "float32" | "int64";
  readonly dims: readonly number[];
  readonly base64: string;
}

interface Checksum {
  /** √Σ g². */
  readonly norm: number;
  /** Σ g[i] cos i, which tells order and sign. */
  readonly cosine: number;
}

/** What training gives in PyTorch, in float64. */
export interface ExpectedRun {
  /** The loss before each update. */
  readonly losses: readonly number[];
  readonly gradients: Readonly<Record<string, Checksum>>;
  readonly eval_after: StoredTensor;
}

/** One exported file. */
export interface ExportedFile {
  readonly file?: string;
  /** Arguments of the export. */
  readonly export: {
    readonly dynamo: boolean;
    readonly optimize?: boolean;
    readonly training?: string;
    readonly do_constant_folding?: boolean;
  };
  readonly one_to_one: boolean;
  /** The initializers that hold parameters. */
  readonly trainable: readonly string[];
  /** Of each of PyTorch's parameters what became of it, and the initializers that hold it. */
  readonly parameters: Readonly<
    Record<string, {
      readonly as: string;
      readonly in: readonly string[];
      readonly names?: readonly string[];
    }>
  >;
  /** The run that training gives: modes as the nodes have them, and with `training: true`. */
  readonly follows: { readonly as_written: string; readonly training: string };
}

/** One network, its batches and its files. */
export interface ExportedNetwork {
  readonly name: string;
  readonly adam: { readonly learning_rate: number; readonly eps: number };
  readonly steps: number;
  readonly loss: Loss;
  readonly batches: readonly { readonly x: StoredTensor; readonly labels: StoredTensor }[];
  readonly parameters: Readonly<Record<string, readonly number[]>>;
  readonly runs: Readonly<Record<string, ExpectedRun>>;
  readonly files: Readonly<Record<string, ExportedFile>>;
}

const FOLDER = fileURLToPath(
  new URL("../../../../shared/fixtures/torch-exports/", import.meta.url),
);

/** The networks of a folder (default: beside the repository); none where it is not there. */
export function exportedNetworks(folder: string = FOLDER): ExportedNetwork[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder).filter((file) => file.endsWith(".json")).sort()
    .map((file) => JSON.parse(readFileSync(join(folder, file), "utf8")));
}

/** The bytes of an exported file. */
export function bytesOf({ file }: ExportedFile, folder: string = FOLDER): Uint8Array {
  return new Uint8Array(readFileSync(join(folder, file!)));
}

/** A stored tensor as a feed. */
export function feedOf(
  { dtype, dims, base64 }: StoredTensor,
): { readonly data: Float32Array | BigInt64Array; readonly dims: readonly number[] } {
  const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  const data = dtype === "int64" ? new BigInt64Array(bytes.buffer) : new Float32Array(bytes.buffer);
  return { data, dims };
}

/** One case: a file, and whether `training: true` is asked for. */
export interface ExportedCase {
  readonly network: ExportedNetwork;
  readonly variant: string;
  readonly mode: "as_written" | "training";
  readonly expected: ExpectedRun;
}

/** The cases of a network: as written, and in training mode where that is another run. */
export function casesOf(network: ExportedNetwork): ExportedCase[] {
  return Object.entries(network.files).flatMap(([variant, { follows }]) => {
    if (follows === undefined) return []; // not made
    const { as_written, training } = follows;
    const one = (mode: "as_written" | "training"): ExportedCase => ({
      network,
      variant,
      mode,
      expected: network.runs[follows[mode]]!,
    });
    return as_written === training ? [one("as_written")] : [one("as_written"), one("training")];
  });
}

/** How far a training is from PyTorch's. */
export interface Comparison {
  readonly losses: readonly number[];
  /** The largest relative difference of a loss. */
  readonly lossError: number;
  /** The largest difference of the output after training, relative to its largest. */
  readonly outputError: number;
  readonly parameters: readonly string[];
  readonly notes: readonly string[];
}

/** Trains a case for all its steps by Adam, on a build of ONNX Runtime, and compares. */
export async function trainCase(
  build: unknown,
  { network, variant, mode, expected }: ExportedCase,
  folder: string = FOLDER,
): Promise<Comparison> {
  const { learning_rate, eps } = network.adam;
  const trainer = await Trainer.create(build as Ort, {
    model: bytesOf(network.files[variant]!, folder),
    loss: network.loss,
  }, {
    optimizer: adam({ learningRate: learning_rate, epsilon: eps }),
    ...(mode === "training" ? { training: true } : {}),
  });
  try {
    const losses: number[] = [];
    for (let step = 0; step < network.steps; step++) {
      const { x, labels } = network.batches[step % network.batches.length]!;
      losses.push((await trainer.step({ x: feedOf(x), labels: feedOf(labels) })).loss);
    }
    const { out } = await trainer.predict({ x: feedOf(network.batches[0]!.x) });
    const output = out!.data as Float32Array;
    const wanted = feedOf(expected.eval_after).data as Float32Array;
    const largest = wanted.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
    return {
      losses,
      lossError: losses.reduce(
        (most, loss, k) => worse(most, Math.abs(loss / expected.losses[k]! - 1)),
        0,
      ),
      outputError: wanted.reduce(
        (most, v, k) => worse(most, Math.abs(v - output[k]!) / largest),
        0,
      ),
      parameters: trainer.parameters,
      notes: trainer.notes,
    };
  } finally {
    await trainer.release();
  }
}

/** The larger; what is not a number is the worst. */
const worse = (a: number, b: number) => Number.isNaN(b) || Number.isNaN(a) ? NaN : Math.max(a, b);
