/** @module */

/** What a value is, for messages: "Float32Array", "Object", "undefined". */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  // The namespace of a module has no constructor.
  return value.constructor?.name ?? typeof value;
}
