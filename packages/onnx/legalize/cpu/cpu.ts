/** @module */
import type { MakeLegality } from "../target.ts";
import { cpuWith } from "./cpu_with.ts";
import { splitShifts } from "./split_shifts.ts";
import { turnedConvolution } from "./turned_convolutions.ts";

/** What the CPU provider runs. */
export const cpu: MakeLegality = cpuWith({
  turned: () => turnedConvolution,
  split: () => splitShifts,
});
