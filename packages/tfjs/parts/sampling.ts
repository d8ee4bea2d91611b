/** Samples of curvature and noise, by further calls of the closure. @module */
import { createSampler } from "../evidence/sampler.ts";
import { provide } from "./registry.ts";

provide("sampling", { createSampler });
