/** @module */
export { type LoraAdapter, loraAdapters, type LoraSite } from "./adapters.ts";
export { addLora, loraLayers, type LoraOptions } from "./add_lora.ts";
export type { LoraTarget } from "./choose_layers.ts";
export type { LoraKind, LoraLayer } from "./layers.ts";
export { mergeLora, type MergeLoraOptions } from "./merge_lora.ts";
