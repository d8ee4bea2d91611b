/** @module */
import { className } from "./element_types.ts";

/** What a value is, for messages: "Float32Array", "Object", "undefined". */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  const name = className(value);
  // The namespace of a module has no constructor.
  return name === "Object" ? value.constructor?.name ?? "Object" : name;
}
