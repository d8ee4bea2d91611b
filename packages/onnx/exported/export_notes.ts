/** @module */
import type { ExportedParameter, ExportedParameters, Fate } from "./exported_parameters.ts";

/** What to do about a file that holds other parameters than the module. */
export const EXPORT_REMEDY: string =
  "export with torch.onnx.export(…, dynamo=True, optimize=False), which keeps every parameter " +
  "under its own name";

/** What became of parameters, as the end of a sentence that begins with their names. */
const FATES: Readonly<Record<Exclude<Fate, "kept">, string>> = {
  renamed: "trained under other names, perhaps transposed",
  packed: "trained in the weights of recurrent nodes, several in one",
  shared: "trained as one with others, with which they were equal or tied when they were exported",
  split: "trained as two, though the module has one",
  folded: "not there: the exporter folded them into other weights",
  dropped: "not there: the exporter dropped biases that were zero",
};

/** Names of a list, of a long one the first. */
function listed(parameters: readonly ExportedParameter[]): string {
  const shown = parameters.slice(0, 6).map(({ name, in: where }) =>
    where.length === 0 || (where.length === 1 && where[0] === name)
      ? `"${name}"`
      : `"${name}" (${where.map((w) => `"${w}"`).join(", ")})`
  );
  const more = parameters.length - shown.length;
  return `${shown.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

/**
 * Sentences about the parameters of the PyTorch module that a file does not hold as they were, by
 * PyTorch's names (and those of the initializers), and what to do. None where training the file is
 * training the module.
 */
export function exportNotes(exported: ExportedParameters | undefined): string[] {
  // Without optimization what is shared is what the module ties.
  if (exported === undefined || !exported.optimized) return [];
  const notes = Object.entries(FATES).flatMap(([fate, what]) => {
    const of = exported.parameters.filter((p) => p.fate === fate);
    return of.length === 0 ? [] : [
      `${of.length} of PyTorch's parameters ${of.length === 1 ? "is" : "are"} ${what}: ${
        listed(of)
      }`,
    ];
  });
  return notes.length === 0 ? [] : [...notes, `To train the module as it is, ${EXPORT_REMEDY}`];
}

/** Why a parameter of the module cannot be trained by its name; undefined where it is not lost. */
export function lostParameter(
  exported: ExportedParameters | undefined,
  name: string,
): string | undefined {
  const found = exported?.parameters.find((p) => p.name === name);
  if (found === undefined || found.fate === "kept") return undefined;
  const where = found.in.length === 0 ? "" : ` (${found.in.map((w) => `"${w}"`).join(", ")})`;
  return `PyTorch's parameter of that name is ${
    FATES[found.fate].replace(" they were ", " it was ").replace("them", "it")
  }${where}; ${EXPORT_REMEDY}`;
}
