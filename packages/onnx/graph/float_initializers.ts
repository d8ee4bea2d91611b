/** @module */
import type { LoadedGraph } from "./load_graph_with.ts";
import { isFloating } from "../model/data_type.ts";

/** Names of the float initializers that the file has. */
export const floatInitializers = ({ b, initializers }: LoadedGraph): string[] =>
  initializers.filter((name) => isFloating(b.initializers.get(name)!.dataType));
