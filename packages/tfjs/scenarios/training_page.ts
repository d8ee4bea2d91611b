/**
 * The page of training_browser_test.ts.
 *
 * @module
 */
import "@tensorflow/tfjs-backend-cpu";
export { start } from "./backends_page.ts";
export { clippedReports } from "./clipped.ts";
export { resumeAfterLoss } from "./lost_device.ts";
export { train } from "./train.ts";
export { endure } from "./endurance.ts";
export { resumeFile, resumeModel } from "./resume.ts";
export { updateOnce } from "./threads.ts";
