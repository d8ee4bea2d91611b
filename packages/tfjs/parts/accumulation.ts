/** Updates from several calls or closures. @module */
import { createGatherer } from "../evidence/gatherer.ts";
import { checkClosures, microBatchEvidence } from "../evidence/micro_batches.ts";
import { applyReplicas } from "../evidence/replica_tensors.ts";
import { provide } from "./registry.ts";

provide("accumulation", { checkClosures, createGatherer, microBatchEvidence, applyReplicas });
