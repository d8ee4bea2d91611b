/** @module */
export { exportNotes } from "./export_notes.ts";
export {
  type ExportedParameter,
  type ExportedParameters,
  exportedParameters,
  type Fate,
} from "./exported_parameters.ts";
