/** @module */
import type { NodeContext } from "../graph/rule.ts";

/** An operator as other operators: the name of the value. */
export type Formula = (n: NodeContext) => string | undefined;
