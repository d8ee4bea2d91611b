/** @module */
import { symbolsOf } from "../graph/dims.ts";
import { valueType } from "../graph/load_graph_with.ts";
import type { ModelProto } from "../proto/onnx_pb.ts";

/**
 * Refuses numbers for sizes that a model does not have: misspelt, they would be no numbers for those
 * that it has.
 *
 * @throws {TypeError} With the names that there are.
 */
export function refuseUnknownSizes(
  action: string,
  { graph }: ModelProto,
  sizes: Readonly<Record<string, number>> | undefined,
): void {
  if (graph === undefined) return;
  const known = new Set(
    [...graph.input, ...graph.valueInfo, ...graph.output].flatMap(({ name, type }) =>
      valueType(type, name)?.dims?.flatMap((d) => [...symbolsOf(d)]) ?? []
    ),
  );
  const unknown = Object.keys(sizes ?? {}).find((name) => !known.has(name));
  // Where all are numbers already, there is nothing that the name could have been meant for.
  if (unknown === undefined || known.size === 0) return;
  throw new TypeError(
    `Cannot ${action}: no size of the model is called "${unknown}", only ${[...known].join(", ")}`,
  );
}
