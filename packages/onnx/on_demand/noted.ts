/**
 * What an exporter noted of the parameters, and what is trained by that, as one file of a bundle.
 *
 * @module
 */
export { usualTrainable, whyNot } from "../differentiate/usual_trainable.ts";
export { exportedParameters, exportNotes } from "../exported/mod.ts";
