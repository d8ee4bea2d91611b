/**
 * What few graphs and files need, as one file of a bundle.
 *
 * @module
 */
export { readCheckpointFolder } from "../artifacts/checkpoint_folder.ts";
export { inlineFunctions } from "../graph/inline_functions.ts";
export { addKnownBranch } from "../graph/known_branch.ts";
export { prepared } from "../graph/prepared.ts";
export { refuseUnknownSizes } from "../legalize/known_sizes.ts";
export { resolveExternalData, splitExternalData } from "../model/external_data.ts";
export { typedAttribute } from "../model/typed_attribute.ts";
