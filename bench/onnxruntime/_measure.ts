/**
 * Measures a case in this process: reads a `TrainingCase` as JSON from TRAINING_CASE and prints its
 * rows.
 *
 * @module
 */
import process from "node:process";
import { measureTraining } from "./measure.ts";
import type { TrainingCase } from "./rows.ts";

const given = JSON.parse(process.env.TRAINING_CASE!) as TrainingCase;
console.log(JSON.stringify(await measureTraining(given)));
// WebAssembly builds keep the process alive.
process.exit(0);
