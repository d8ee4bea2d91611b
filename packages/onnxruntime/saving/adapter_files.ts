/**
 * Adapters in the files of Hugging Face's PEFT and of ONNX Runtime.
 *
 * @module
 */
import { type NamedArray, readSafetensors, writeSafetensors } from "@precond/core/backend";
import {
  DataType,
  fromPeft,
  isOnnxAdapter,
  loraTensors,
  makeTensor,
  type ModelProto,
  type PeftConfig,
  readOnnxAdapter,
  tensorData,
  tensorDims,
  type TensorProto,
  toPeft,
  type ToPeftOptions,
  writeOnnxAdapter,
} from "@precond/onnx";
import { bytesOf } from "../engine/feeds/element_types.ts";
import { kindOf } from "../engine/feeds/kind_of.ts";

/** Files by their names. */
export type AdapterFiles = Readonly<Record<string, Uint8Array>>;

/** Options of {@linkcode Trainer.saveAdapter}. */
export interface SaveAdapterOptions extends ToPeftOptions {
  /**
   * "peft" (default): `adapter_model.safetensors` and `adapter_config.json`, which PEFT loads onto the
   * PyTorch original. "onnx": `adapter.onnx_adapter`, which ONNX Runtime's own adapters take, for a
   * model of loraInputs() of `@precond/onnx`.
   */
  readonly format?: "peft" | "onnx";
}

/** The names that PEFT has for its files, and ours for the other. */
export const WEIGHTS = "adapter_model.safetensors";
export const CONFIG = "adapter_config.json";
export const ONNX = "adapter.onnx_adapter";

/** The files of the adapters of a model. */
export function writeAdapterFiles(
  model: ModelProto,
  { format = "peft", ...options }: SaveAdapterOptions,
): Record<string, Uint8Array> {
  if (format === "onnx") return { [ONNX]: writeOnnxAdapter({ parameters: loraTensors(model) }) };
  const { tensors, config } = toPeft(model, options);
  const arrays = tensors.map((t): [string, NamedArray] => [
    t.name,
    { shape: tensorDims(t), values: tensorData(t) as Float32Array },
  ]);
  return {
    // What other tools look for: the tensors are PyTorch's.
    [WEIGHTS]: writeSafetensors({ tensors: new Map(arrays), metadata: { format: "pt" } }),
    [CONFIG]: new TextEncoder().encode(`${JSON.stringify(config, undefined, 2)}\n`),
  };
}

/**
 * The tensors of a model's adapters that files hold.
 *
 * @throws {TypeError} For what are no such files.
 * @throws {OnnxError} For adapters of other layers, and damaged files.
 */
export function readAdapterFiles(
  given: AdapterFiles | Uint8Array,
  model: ModelProto,
): TensorProto[] {
  const { weights, config } = filesOf(given);
  if (isOnnxAdapter(weights)) return fromOnnx(weights, model);
  const tensors = [...readSafetensors(weights).tensors].map(([name, { shape, values }]) =>
    makeTensor(name, DataType.FLOAT, shape, values)
  );
  return fromPeft(model, { tensors, config: config === undefined ? undefined : configOf(config) });
}

interface Found {
  readonly weights: Uint8Array;
  readonly config: Uint8Array | undefined;
}

function filesOf(given: AdapterFiles | Uint8Array): Found {
  const bytes = bytesOf(given);
  if (bytes !== undefined) return { weights: bytes, config: undefined };
  const files = (given ?? {}) as AdapterFiles;
  const weights = bytesOf(files[WEIGHTS] ?? files[ONNX]);
  if (weights === undefined) {
    throw new TypeError(
      `Cannot load the adapter: expected the bytes of a file, or { "${WEIGHTS}": bytes, ` +
        `"${CONFIG}": bytes }, given is ${
          given !== null && typeof given === "object"
            ? `{ ${Object.keys(given).map((name) => JSON.stringify(name)).join(", ")} }`
            : kindOf(given)
        }`,
    );
  }
  return { weights, config: bytesOf(files[CONFIG]) };
}

function configOf(bytes: Uint8Array): PeftConfig {
  try {
    const config = JSON.parse(new TextDecoder().decode(bytes));
    if (config.r > 0 && config.lora_alpha > 0) return config;
  } catch {
    // Refused below.
  }
  throw new TypeError(
    `Cannot load the adapter: "${CONFIG}" is no configuration of LoRA with r and lora_alpha`,
  );
}

function fromOnnx(bytes: Uint8Array, model: ModelProto): TensorProto[] {
  const { parameters } = readOnnxAdapter(bytes);
  const own = loraTensors(model);
  const found = new Map(parameters.map((tensor) => [tensor.name, tensor]));
  const typeOf = (t: TensorProto | undefined) =>
    t === undefined ? "missing" : `of type ${t.dataType} and shape [${tensorDims(t)}]`;
  for (const tensor of own) {
    const actual = typeOf(found.get(tensor.name));
    if (actual === typeOf(tensor)) continue;
    throw new TypeError(
      `Cannot load the adapter: "${tensor.name}" is ${actual}, in the model it is ${
        typeOf(tensor)
      }`,
    );
  }
  const known = new Set(own.map(({ name }) => name));
  const other = parameters.find(({ name }) => !known.has(name));
  if (other !== undefined) {
    throw new TypeError(
      `Cannot load the adapter: the file has "${other.name}", the model has no adapter of that name`,
    );
  }
  return own.map(({ name }) => found.get(name)!);
}
