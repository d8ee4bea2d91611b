/** @module */
import { OnnxError } from "../model/onnx_error.ts";

/**
 * For each module of a model the one of a file: of the same name, or where all names of one side have
 * the same further prefix ("bert.encoder…" and "encoder…"), of that.
 *
 * @throws {OnnxError} For modules that have no counterpart, on either side.
 */
export function matchModules(
  own: readonly string[],
  given: readonly string[],
): Map<string, string> {
  for (const [prefix, from] of prefixes(own, given)) {
    const nameOf = (name: string) =>
      from === "given" ? prefix + name : name.startsWith(prefix) ? name.slice(prefix.length) : name;
    const found = new Map(own.map((name) => [name, nameOf(name)]));
    const names = new Set(found.values());
    if (names.size === given.length && given.every((name) => names.has(name))) return found;
  }
  const lacking = (of: readonly string[], others: readonly string[]) =>
    of.filter((name) => !others.includes(name));
  const [here, there] = [lacking(own, given), lacking(given, own)];
  const list = (names: readonly string[]) =>
    names.slice(0, 5).map((name) => `"${name}"`).join(", ") + (names.length > 5 ? ", …" : "");
  throw new OnnxError(
    `Cannot read the adapter: its modules are not those that have adapters in the model${
      here.length === 0 ? "" : `; only the model has ${list(here)}`
    }${
      there.length === 0 ? "" : `; only the file has ${list(there)}`
    }; add adapters with the file's ` +
      `modules as targets`,
  );
}

type Side = "given" | "own";

/** None, then what the first name of one side has before the first of the other's that it ends in. */
function prefixes(own: readonly string[], given: readonly string[]): [string, Side][] {
  const list: [string, Side][] = [["", "own"]];
  for (const name of own) {
    for (const other of given) {
      if (other.endsWith(`.${name}`)) list.push([other.slice(0, -name.length), "given"]);
      if (name.endsWith(`.${other}`)) list.push([name.slice(0, -other.length), "own"]);
    }
    if (list.length > 1) break;
  }
  return list;
}
