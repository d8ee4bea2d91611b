/** @module */
import * as kinds from "@precond/core/kinds";
import { DataType, dataTypeName } from "../model/data_type.ts";
import { OnnxError } from "../model/onnx_error.ts";
import { makeTensor, tensorData, tensorDims } from "../model/tensor.ts";
import type { ModelProto, TensorProto } from "../proto/onnx_pb.ts";
import { leavesOf, type LoraAdapter, readNotes } from "./adapters.ts";
import type { LoraKind } from "./layers.ts";
import { loraTensors } from "./lora_inputs.ts";
import { matchModules } from "./match_modules.ts";

/** The contents of PEFT's `adapter_config.json`, as far as they say what the tensors mean. */
export interface PeftConfig {
  readonly peft_type: string;
  readonly r: number;
  readonly lora_alpha: number;
  readonly [key: string]: unknown;
}

/** An adapter in the words of Hugging Face's PEFT. */
export interface PeftAdapter {
  /** float32, called `base_model.model.<module>.lora_A.weight`, shaped as PyTorch has them. */
  readonly tensors: readonly TensorProto[];
  readonly config: PeftConfig;
}

/** Options of {@linkcode toPeft}. */
export interface ToPeftOptions {
  /** What the module is called inside the one that PEFT wraps, such as "bert". Default: it is that one. */
  readonly prefix?: string;
  /**
   * What the names of the modules begin with in the file alone, since a wrapper was exported, such as
   * "model.0.auto_model". Default: nothing.
   */
  readonly strip?: string;
  /** `base_model_name_or_path`. Default null. */
  readonly baseModel?: string;
  /** `task_type`, such as "CAUSAL_LM". Default null. */
  readonly taskType?: string;
}

const ROOT = "base_model.model.";

/**
 * The adapters of a model as PEFT has them: `lora_A.weight` is `[rank, in]` and `lora_B.weight`
 * `[out, rank]`, the transposes of ours; of convolutions they are ours; `lora_embedding_A` is
 * `[rank, rows]`, `lora_embedding_B` `[width, rank]`. The module's names are those of
 * {@linkcode loraLayers}.
 *
 * @throws {OnnxError} For a model without adapters, or whose adapters have no values; for a module that
 *   is not inside of `strip`.
 *
 * @example
 * ```ts
 * import { type ModelProto, toPeft } from "@precond/onnx";
 *
 * function names(trained: ModelProto): string[] {
 *   const { tensors } = toPeft(trained, { taskType: "CAUSAL_LM" });
 *   return tensors.map(({ name }) => name); // "base_model.model.h.0.attn.c_proj.lora_A.weight", …
 * }
 * ```
 */
export function toPeft(model: ModelProto, options: ToPeftOptions = {}): PeftAdapter {
  const { anyText } = kinds;
  const known = { prefix: anyText, strip: anyText, baseModel: anyText, taskType: anyText };
  kinds.checkOptions("write the adapter", options, known);
  const notes = readNotes(model);
  if (notes === undefined) {
    throw new OnnxError("Cannot write the adapter: the model has none; add them by addLora()");
  }
  const { prefix = "", strip = "" } = options;
  const [inside, outside] = [prefix, strip].map((name) => name === "" ? "" : `${name}.`);
  const moduleOf = (name: string) => {
    if (name.startsWith(outside!)) return inside + name.slice(outside!.length);
    throw new OnnxError(
      `Cannot write the adapter: the module "${name}" is not inside of "${strip}", which is to be stripped`,
      { node: name },
    );
  };
  const values = new Map(loraTensors(model).map((tensor) => [tensor.name, tensor]));
  const tensors = notes.adapters.flatMap(({ name, kind, a, b }) =>
    [a, b].map((own, k) => {
      const { shape, data } = turned(values.get(own)!, kind);
      const leaf = leavesOf(kind)[k];
      return makeTensor(`${ROOT}${moduleOf(name)}.${leaf}`, DataType.FLOAT, shape, data);
    })
  );
  const { rank, alpha } = notes.adapters[0]!;
  return {
    tensors,
    config: {
      peft_type: "LORA",
      task_type: options.taskType ?? null,
      base_model_name_or_path: options.baseModel ?? null,
      r: rank,
      lora_alpha: alpha,
      lora_dropout: notes.dropout,
      target_modules: notes.adapters.map(({ name }) => moduleOf(name)),
      bias: "none",
      fan_in_fan_out: false,
      inference_mode: true,
      init_lora_weights: true,
      modules_to_save: null,
      rank_pattern: {},
      alpha_pattern: {},
      use_rslora: false,
      use_dora: false,
    },
  };
}

/**
 * The tensors that an adapter of PEFT is in a model that addLora() has made, for
 * {@linkcode exportInferenceModel}, a run of {@linkcode loraInputs}, or Trainer's `setParameter()`.
 *
 * Modules are found by their names, with another prefix if need be. An adapter of lower rank fills up
 * with what does not count, B with zeros (of an embedding A); one with another alpha/rank has B times
 * the ratio: the model computes what PEFT does.
 *
 * @param adapter Without its config, rank and alpha are taken to be the model's.
 * @throws {OnnxError} For modules that the file or the model lacks (all are named), a higher rank, other
 *   shapes, and what is not plain LoRA: DoRA, biases, modules that are saved whole.
 *
 * @example
 * ```ts
 * import { exportInferenceModel, fromPeft, type ModelProto, type PeftAdapter } from "@precond/onnx";
 *
 * const withAdapter = (model: ModelProto, adapter: PeftAdapter) =>
 *   exportInferenceModel(model, fromPeft(model, adapter));
 * ```
 */
export function fromPeft(
  model: ModelProto,
  adapter: { readonly tensors: readonly TensorProto[]; readonly config?: PeftConfig | undefined },
): TensorProto[] {
  const adapters = readNotes(model)?.adapters ?? [];
  if (adapters.length === 0) {
    throw new OnnxError("Cannot read the adapter: the model has none; add them by addLora()");
  }
  const { config } = adapter;
  if (config !== undefined) refuseOthers(config);
  const given = new Map<string, Map<string, TensorProto>>();
  for (const tensor of adapter.tensors) {
    const match = NAME.exec(tensor.name);
    if (match === null) {
      throw new OnnxError(
        `Cannot read the adapter: "${tensor.name}" is not of LoRA, whose tensors are called ` +
          `"${ROOT}<module>.lora_A.weight" and so on`,
      );
    }
    const [, module, leaf] = match as unknown as [string, string, string];
    const leaves = given.get(module) ?? new Map<string, TensorProto>();
    given.set(module, leaves.set(leaf, tensor));
  }
  const modules = matchModules(adapters.map(({ name }) => name), [...given.keys()]);
  const values = new Map(loraTensors(model).map((tensor) => [tensor.name, tensor]));
  return adapters.flatMap((own) => {
    const module = modules.get(own.name)!;
    const leaves = given.get(module)!;
    const ratio = scaleOf(config, module, own) / (own.alpha / own.rank);
    const isTable = own.kind === "embedding";
    const [a, b] = (isTable ? ["embedding_A", "embedding_B"] : ["A", "B"]).map((leaf) => {
      const found = leaves.get(leaf);
      if (found !== undefined) return found;
      throw new OnnxError(`Cannot read the adapter: "${module}" has no lora_${leaf}`);
    });
    // Of the two the one that begins with zeros is multiplied.
    return [
      filled(a!, own.a, { values, own, factor: isTable ? ratio : 1 }),
      filled(b!, own.b, { values, own, factor: isTable ? 1 : ratio }),
    ];
  });
}

const NAME =
  /^(?:base_model\.model\.)?(.+)\.lora_(A|B|embedding_A|embedding_B)(?:\.default)?(?:\.weight)?$/;

/** alpha/rank of a module by the file's config; without one that of the model. */
function scaleOf(config: PeftConfig | undefined, module: string, own: LoraAdapter): number {
  if (config === undefined) return own.alpha / own.rank;
  const pattern = (key: string): number | undefined => {
    const entries = Object.entries((config[key] ?? {}) as Record<string, number>);
    // As PEFT: the whole name or its end after a dot, which may be a regular expression.
    return entries.find(([name]) => patternOf(name, key).test(module))?.[1];
  };
  const rank = pattern("rank_pattern") ?? config.r;
  const alpha = pattern("alpha_pattern") ?? config.lora_alpha;
  const scale = alpha / (config.use_rslora === true ? Math.sqrt(rank) : rank);
  if (rank > 0 && Number.isFinite(scale)) return scale;
  throw new OnnxError(
    `Cannot read the adapter: its config says rank ${rank} and alpha ${alpha} of "${module}", ` +
      `expected are numbers, the rank positive`,
    { node: own.name },
  );
}

function patternOf(name: string, key: string): RegExp {
  try {
    return new RegExp(`^(.*\\.)?(${name})$`);
  } catch (cause) {
    throw new OnnxError(
      `Cannot read the adapter: "${name}" in its ${key} is no regular expression that JavaScript knows`,
      { cause },
    );
  }
}

function refuseOthers(config: PeftConfig): void {
  const refuse = (why: string) => {
    throw new OnnxError(`Cannot read the adapter: ${why}; merge it with PEFT before the export`);
  };
  if (config.peft_type !== "LORA") refuse(`its peft_type is ${config.peft_type}, expected is LORA`);
  if (config.use_dora === true) refuse("it is DoRA's, which scales the weights' columns too");
  if ((config.bias ?? "none") !== "none") refuse(`it trained biases (bias is "${config.bias}")`);
  const whole = config.modules_to_save as unknown[] | null | undefined;
  if (Array.isArray(whole) && whole.length > 0) {
    refuse(`it holds whole modules, ${whole.join(", ")}`);
  }
}

/** A tensor between PEFT's orientation and ours, as float32: convolutions have the same. */
function turned(
  tensor: TensorProto,
  kind: LoraKind,
): { readonly shape: number[]; readonly data: Float32Array } {
  const dims = tensorDims(tensor);
  const { name, dataType } = tensor;
  if (dataType !== DataType.FLOAT && dataType !== DataType.DOUBLE) {
    throw new OnnxError(
      `Cannot convert "${name}": expected FLOAT, actual type is ${dataTypeName(dataType)}`,
    );
  }
  const data = Float32Array.from(tensorData(tensor) as Float32Array);
  if (kind === "conv" || dims.length !== 2) return { shape: dims, data };
  const [rows, columns] = dims as [number, number];
  const other = new Float32Array(data.length);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) other[j * rows + i] = data[i * columns + j]!;
  }
  return { shape: [columns, rows], data: other };
}

/** A tensor of the file in the model's shape: what its rank leaves over does not count. */
function filled(
  tensor: TensorProto,
  name: string,
  { values, own, factor }: {
    readonly values: ReadonlyMap<string, TensorProto>;
    readonly own: LoraAdapter;
    readonly factor: number;
  },
): TensorProto {
  const stored = values.get(name)!;
  const dims = tensorDims(stored);
  const { shape, data } = turned(tensor, own.kind);
  const isA = name === own.a;
  const axis = isA === (own.kind === "conv") ? 0 : 1; // where the rank lies
  const fits = shape.length === dims.length &&
    shape.every((size, k) => k === axis ? size <= dims[k]! : size === dims[k]);
  if (!fits) {
    throw new OnnxError(
      `Cannot read the adapter: "${tensor.name}" is [${
        tensorDims(tensor)
      }], in the model's order ` +
        `[${shape}]; the model's adapter of "${own.name}" has [${dims}]${
          shape[axis]! > dims[axis]! ? `; add it with rank ${shape[axis]}` : ""
        }`,
      { node: own.name },
    );
  }
  // Zeros in the one that begins with zeros; the other's own numbers, so that it can be trained.
  const full = isA === (own.kind === "embedding")
    ? new Float32Array(dims.reduce((a, b) => a * b, 1))
    : Float32Array.from(tensorData(stored) as Float32Array);
  const [outer, inner] = [dims, shape].map((d) => d.slice(axis).reduce((a, b) => a * b, 1));
  for (let k = 0; k < data.length; k++) {
    full[Math.floor(k / inner!) * outer! + k % inner!] = data[k]! * factor;
  }
  const array = stored.dataType === DataType.DOUBLE ? Float64Array.from(full) : full;
  return makeTensor(name, stored.dataType, dims, array);
}
