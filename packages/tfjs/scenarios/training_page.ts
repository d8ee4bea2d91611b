/**
 * The page of browser/browser_test.ts.
 *
 * @module
 */
import "@tensorflow/tfjs-backend-cpu";
export { start } from "../_testing.ts";
export { clippedReports } from "../clipped/_testing.ts";
export { resumeAfterLoss } from "../device_loss/_testing.ts";
export { train } from "../train/_testing.ts";
export { endure } from "../endurance/_testing.ts";
export { resumeFile, resumeModel } from "../resume/_testing.ts";
export { updateOnce } from "../threads/_testing.ts";
