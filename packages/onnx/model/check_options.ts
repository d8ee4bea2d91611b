/**
 * Options of callers without types: another name, or a value of another kind, would be a default or an
 * error elsewhere.
 *
 * @module
 */

/** What an option may be. */
export interface OptionKind {
  /** `be true or false` */
  readonly must: string;
  readonly holds: (value: unknown) => boolean;
}

/** Kinds by the names of options. */
export type OptionKinds<Options> = Readonly<Record<keyof Options, OptionKind>>;

/** Whatever its function itself refuses. */
export const anything: OptionKind = { must: "be there", holds: () => true };
export const flag: OptionKind = { must: "be true or false", holds: (v) => typeof v === "boolean" };
export const number: OptionKind = { must: "be a number", holds: (v) => typeof v === "number" };
export const whole: OptionKind = { must: "be a whole number", holds: Number.isSafeInteger };
export const anyText: OptionKind = { must: "be a string", holds: (v) => typeof v === "string" };
export const text: OptionKind = {
  must: "be a string that is not empty",
  holds: (v) => typeof v === "string" && v !== "",
};
export const names: OptionKind = {
  must: "be a list of names",
  holds: (v) => Array.isArray(v) && v.every((name) => typeof name === "string"),
};
export const oneOf = (...values: readonly string[]): OptionKind => ({
  must: `be one of ${values.join(", ")}`,
  holds: (v) => values.includes(v as string),
});

/**
 * Refuses what are no options, unknown names and values of another kind; undefined is an option that is
 * not given.
 *
 * @throws {TypeError} `Cannot <action>: …`
 */
export function checkOptions<Options extends object>(
  action: string,
  options: Options,
  kinds: OptionKinds<Options>,
): void {
  if (options === null || typeof options !== "object" || Array.isArray(options)) {
    throw new TypeError(
      `Cannot ${action}: options must be an object such as { ${Object.keys(kinds)[0]}: … }`,
    );
  }
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(kinds, name)) {
      throw new TypeError(
        `Cannot ${action}: there is no option "${name}", only ${Object.keys(kinds).join(", ")}`,
      );
    }
    const { must, holds } = kinds[name as keyof Options];
    if (value === undefined || holds(value)) continue;
    throw new TypeError(`Cannot ${action}: ${name} must ${must}, current value is ${shown(value)}`);
  }
}

/** A value for a message. */
const shown = (value: unknown) =>
  typeof value === "number" ? value : JSON.stringify(value) ?? value;
