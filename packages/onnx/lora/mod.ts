/** @module */
export { type LoraAdapter, loraAdapters, type LoraSite } from "./adapters.ts";
export { addLora, loraLayers, type LoraOptions } from "./add_lora.ts";
export type { LoraTarget } from "./choose_layers.ts";
export type { LoraKind, LoraLayer } from "./layers.ts";
export { mergeLora, type MergeLoraOptions } from "./merge_lora.ts";
export { loraInputs, type LoraInputsOptions, loraTensors } from "./lora_inputs.ts";
export { fromPeft, type PeftAdapter, type PeftConfig, toPeft, type ToPeftOptions } from "./peft.ts";
