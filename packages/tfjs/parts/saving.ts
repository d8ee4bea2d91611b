/** Optimizers saved and restored, by themselves or with their model. @module */
import { loadState, saveState } from "@precond/core/backend";
import { configOf, readConfig } from "../optimizer/config.ts";
import { createClaims } from "../state/claims.ts";
import { lendTensors } from "../state/lent_tensors.ts";
import { fromTensors, toTensors } from "../state/named_tensors.ts";
import { provide } from "./registry.ts";

provide("saving", {
  configOf,
  createClaims,
  fromTensors,
  lendTensors,
  loadState,
  readConfig,
  saveState,
  toTensors,
});
