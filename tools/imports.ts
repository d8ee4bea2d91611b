/** Which imports are allowed where: arrows point inward only, and never in a circle. */
import { posix } from "node:path";
import ts from "typescript";

/** Specifiers a package's code may import besides its own relative files, and its tests besides. */
interface Rule {
  readonly code: RegExp;
  readonly tests: RegExp;
}

const NOTHING = /^$/;
const TEST_TOOLS = /^(node:.+|fast-check|@precond\/testing(\/(browser|node))?)$/;
/** Node.js has no WebGPU of its own. */
const TFJS_TEST_TOOLS = new RegExp(`${TEST_TOOLS.source}|^webgpu$`);

/** The library that the reference calculates with also says what decompositions should be. */
const CORE_TEST_TOOLS = new RegExp(`${TEST_TOOLS.source}|^ml-matrix$`);

/** Inner files that the benchmark times. */
const TIMED = /^packages\/onnxruntime\/hosts\/in_place\.ts$/;

const RULES: Readonly<Record<string, Rule>> = {
  "packages/core/reference": { code: /^ml-matrix$/, tests: TEST_TOOLS },
  "packages/core": { code: NOTHING, tests: CORE_TEST_TOOLS },
  "packages/tfjs": { code: /^(@precond\/core(\/.+)?|@tensorflow\/.+)$/, tests: TFJS_TEST_TOOLS },
  "packages/jaxjs": { code: /^(@precond\/core(\/.+)?|@jax-js\/jax)$/, tests: TEST_TOOLS },
  // Of core the checker of options alone.
  "packages/onnx/cli": { code: /^(?!@precond\/)|^@precond\/core\/kinds$/, tests: TEST_TOOLS },
  "packages/onnx/node": { code: /^(?!@precond\/)|^@precond\/core\/kinds$/, tests: TEST_TOOLS },
  "packages/onnx": {
    code: /^(?!@precond\/|node:)|^@precond\/core\/kinds$/,
    tests: TEST_TOOLS,
  },
  "packages/onnxruntime/node": {
    code: /^(@precond\/(core|onnx)(\/.+)?|onnxruntime-.+|node:.+)$/,
    tests: TEST_TOOLS,
  },
  "packages/onnxruntime": {
    code: /^(@precond\/(core|onnx)(\/.+)?|onnxruntime-.+)$/,
    tests: TEST_TOOLS,
  },
  "packages/testing": { code: /^(?!@precond\/)|^@precond\/core(\/.+)?$/, tests: TEST_TOOLS },
};

/** Every module specifier that a source imports, exports from or imports dynamically. */
export function importsOf(text: string): string[] {
  return ts.preProcessFile(text, true, true).importedFiles.map((f) => f.fileName);
}

/**
 * Lists the imports of `text` that the layout forbids.
 *
 * @param file The source's path from the repository's root, with forward slashes.
 */
export function forbiddenImports(file: string, text: string): string[] {
  const home = homeOf(file);
  return importsOf(text).filter((specifier) => !isAllowed(file, home, specifier))
    .map((specifier) => `${file} imports "${specifier}"`);
}

function isAllowed(file: string, home: string, specifier: string): boolean {
  if (specifier.startsWith(".")) {
    const path = posix.join(posix.dirname(file), specifier);
    // A tool may play what a package's tests play.
    return path.startsWith(`${home}/`) ||
      (home === "tools" && /^packages\/[^/]+\/scenarios\//.test(path)) ||
      (home === "bench" && TIMED.test(path)) ||
      // The site's playground is the example's page, for five optimizers.
      (home === "site" && path.startsWith("examples/tfjs-browser/")) ||
      (home === "site" && ["tools/links.ts", "tools/_packages.ts"].includes(path));
  }
  if (/^@precond\/(bench|example)/.test(specifier)) return false;
  const scope = Object.keys(RULES).find((scope) => file.startsWith(`${scope}/`));
  if (scope === undefined) return true;
  const { code, tests } = RULES[scope]!;
  return code.test(specifier) ||
    (/(_test|\/_testing)\.ts$|\/scenarios\//.test(file) && tests.test(specifier));
}

/** The directory that relative imports stay in. */
function homeOf(file: string): string {
  const parts = file.split("/");
  return parts.slice(0, /^(packages|examples)$/.test(parts[0]!) ? 2 : 1).join("/");
}

/**
 * Lists the circles among the relative imports of files, imports of types included: one circle, the
 * shortest through its first file, for each set of files that all reach each other.
 *
 * @param specifiers What each file imports, by its path from the repository's root.
 * @returns Each circle as "a.ts → b.ts → a.ts".
 */
export function importCircles(specifiers: ReadonlyMap<string, readonly string[]>): string[] {
  const imports = new Map([...specifiers].map(([file, list]) => [
    file,
    list.filter((specifier) => specifier.startsWith("."))
      .map((specifier) => posix.join(posix.dirname(file), specifier))
      .filter((path) => specifiers.has(path)),
  ]));
  const circles: string[] = [];
  const told = new Set<string>();
  for (const file of [...imports.keys()].sort()) {
    const circle = told.has(file) ? undefined : shortestCircle(file, imports);
    if (!circle) continue;
    circles.push(circle.join(" → "));
    for (const other of reachedFrom(file, imports)) {
      if (reachedFrom(other, imports).has(file)) told.add(other);
    }
  }
  return circles;
}

type Imports = ReadonlyMap<string, readonly string[]>;

/** The files that `start` imports, directly or through others. */
function reachedFrom(start: string, imports: Imports): Set<string> {
  const reached = new Set(imports.get(start));
  // A set that grows while it is walked through is walked through to its new end.
  for (const file of reached) for (const next of imports.get(file)!) reached.add(next);
  return reached;
}

/** The shortest way from `start` back to it. */
function shortestCircle(start: string, imports: Imports): string[] | undefined {
  const cameFrom = new Map<string, string>();
  const queue = [start];
  for (const file of queue) {
    for (const next of imports.get(file)!) {
      if (next === start) {
        const way = [file, start];
        while (way[0] !== start) way.unshift(cameFrom.get(way[0]!)!);
        return way;
      }
      if (cameFrom.has(next)) continue;
      cameFrom.set(next, file);
      queue.push(next);
    }
  }
  return undefined;
}
