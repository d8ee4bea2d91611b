/** @module */
import { existsSync, readFileSync } from "node:fs";

/**
 * The version of this package: that of the first package.json with its name on the way up, which
 * lies at another height above what the sources are built to.
 */
export function packageVersion(from: string = import.meta.url): string {
  for (let folder = new URL("./", from);;) {
    const file = new URL("package.json", folder);
    const found = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : undefined;
    if (found?.name === "@precond/onnx") return String(found.version);
    const above = new URL("..", folder);
    // Copied out of its package the program still works.
    if (above.href === folder.href) return "unknown";
    folder = above;
  }
}
