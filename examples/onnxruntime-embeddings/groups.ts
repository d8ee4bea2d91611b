/**
 * Sentences with labels: which belong together.
 *
 * @module
 */

/** Sentences that belong together. */
export interface Group {
  readonly name: string;
  /** Pairs of these are learnt from. */
  readonly learn: readonly string[];
  /** These are never trained on. */
  readonly heldOut: readonly string[];
}

/**
 * Reads a file of groups: JSON such as `[{ "name": "…", "learn": ["…", "…"], "heldOut": ["…", "…"] }, …]`.
 *
 * @throws {TypeError} For something else, and for groups too small to make pairs of.
 */
export function readGroups(text: string): Group[] {
  const refuse = (why: string, cause?: unknown): never => {
    throw new TypeError(`Cannot read the sentences: ${why}`, { cause });
  };
  let groups: unknown;
  try {
    groups = JSON.parse(text);
  } catch (cause) {
    return refuse((cause as Error).message, cause);
  }
  if (!Array.isArray(groups) || groups.length < 2) {
    return refuse("expected is a list of two groups or more, { name, learn, heldOut } each");
  }
  return groups.map((group: Partial<Group>, k) => {
    const { name = `group ${k + 1}` } = group;
    const list = (which: "learn" | "heldOut"): readonly string[] => {
      const found: unknown = group[which];
      if (
        Array.isArray(found) && found.length >= 2 &&
        found.every((sentence) => typeof sentence === "string")
      ) return found;
      return refuse(`"${which}" of "${name}" must be a list of two sentences or more`);
    };
    return { name, learn: list("learn"), heldOut: list("heldOut") };
  });
}

/** Every sentence of groups. */
export const sentencesOf = (groups: readonly Group[]): string[] =>
  groups.flatMap(({ learn, heldOut }) => [...learn, ...heldOut]);
