/** Compares docs/ARCHITECTURE.md with the folders and the imports that are there. */
import { posix } from "node:path";

/** A row of the page: a folder, what is in it, and the folders of its package that it may import. */
interface Room {
  readonly path: string;
  readonly contents: string;
  /** Undefined where the table has no such column. */
  readonly mayImport: readonly string[] | undefined;
}

/** Rows look like "| `packages/core/kernel/` | what is there | `chain/`, `driver/` |". */
function roomsOf(page: string): Room[] {
  return page.split("\n").flatMap((line) => {
    const [path, contents, arrows] = line.split("|").slice(1, -1).map((cell) => cell.trim());
    const named = /^`(.+\/)`$/.exec(path ?? "");
    if (!named || contents === undefined) return [];
    return [{
      path: named[1]!,
      contents,
      mayImport: arrows === undefined ? arrows : quoted(arrows),
    }];
  });
}

function quoted(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+\/)`/g)].map((match) => match[1]!);
}

const folderOf = (file: string) => `${posix.dirname(file)}/`;
const isTest = (file: string) => /(_test|\/_testing)\.ts$|\/scenarios\//.test(file);

/**
 * Lists what the page does not say, or says wrongly: folders with code that it does not name (as a row,
 * or in the row of a folder around), folders that it names and that have none, and imports from one row
 * to another of the same package that the first one's last column does not allow. Tests, and folders
 * named "scenarios", may be anywhere and import everything.
 *
 * @param specifiers What each file imports, by its path from the repository's root.
 */
export function architectureFaults(
  page: string,
  specifiers: ReadonlyMap<string, readonly string[]>,
): string[] {
  const rooms = roomsOf(page);
  const named = new Set(rooms.flatMap(({ path, contents }) => [
    path,
    ...quoted(contents).map((inner) => path + inner),
  ]));
  const files = [...specifiers.keys()];
  const folders = new Set(files.map(folderOf).filter((f) => !f.endsWith("/scenarios/")));
  const unnamed = [...folders].filter((folder) => !named.has(folder)).sort().map((folder) =>
    `docs/ARCHITECTURE.md does not name ${folder}: add the row "| \`${folder}\` | what is there | the ` +
    `folders of its package that it may import |", or its name to the row of a folder around it`
  );
  const gone = [...named].filter((path) => !files.some((file) => file.startsWith(path))).map((
    path,
  ) => `docs/ARCHITECTURE.md names ${path}, where no code is: remove it`);
  const arrows = new Map<string, string>();
  for (const [file, list] of specifiers) {
    if (isTest(file)) continue;
    for (const specifier of list.filter((specifier) => specifier.startsWith("."))) {
      const target = posix.join(posix.dirname(file), specifier);
      if (![file, target].every((path) => named.has(folderOf(path)))) continue;
      const cell = forbiddenArrow(file, target, rooms);
      // One file stands for all that would need the same words in the page.
      if (cell && !arrows.has(cell)) arrows.set(cell, `${file} imports ${target}`);
    }
  }
  const forbidden = [...arrows].map(([cell, example]) =>
    `${example}: turn the arrow around, or add ${cell} in docs/ARCHITECTURE.md`
  );
  return [...unnamed, ...gone, ...forbidden];
}

/** What the page would have to say for `file` to import `target`; undefined if it may. */
function forbiddenArrow(
  file: string,
  target: string,
  rooms: readonly Room[],
): string | undefined {
  const [from, to] = [roomOf(file, rooms), roomOf(target, rooms)];
  if (!from?.mayImport || !to || from === to) return undefined;
  const name = `${posix.relative(packageOf(from.path), to.path) || "."}/`;
  if (from.mayImport.includes(name)) return undefined;
  return `\`${name}\` to the last column of ${from.path}`;
}

/** The row of the innermost folder around a file. */
function roomOf(file: string, rooms: readonly Room[]): Room | undefined {
  return rooms.filter(({ path }) => file.startsWith(path))
    .sort((a, b) => b.path.length - a.path.length)[0];
}

function packageOf(path: string): string {
  return path.split("/").slice(0, 2).join("/");
}
