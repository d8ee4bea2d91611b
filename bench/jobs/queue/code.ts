/** @module */
import { createHash } from "node:crypto";
import { source, type Versions, versions } from "../../device.ts";
import { fingerprint } from "../../suite.ts";

/** What the rows of two machines must have in common to be compared. */
export interface Code {
  readonly commit: string | null;
  /** Of the programs as they are on the disk. */
  readonly files: string;
  readonly versions: Versions;
}

const left = /^(node_modules|dist|out|results|scenarios)$/;

function* programs(folder: URL): Generator<URL> {
  const entries = [...Deno.readDirSync(folder)].sort((a, b) => a.name < b.name ? -1 : 1);
  for (const { name, isDirectory } of entries) {
    if (isDirectory && !left.test(name)) yield* programs(new URL(`${name}/`, folder));
    else if (name.endsWith(".ts") && !name.endsWith("_test.ts")) yield new URL(name, folder);
  }
}

/** The code of this checkout: its commit, and the programs whether they are committed or not. */
export function codeOf(): Code {
  const root = new URL("../../../", import.meta.url);
  const hash = createHash("sha256");
  for (const folder of ["bench/", "packages/"]) {
    for (const url of programs(new URL(folder, root))) {
      hash.update(url.href.slice(root.href.length)).update(Deno.readFileSync(url));
    }
  }
  return {
    commit: source().commit,
    files: hash.digest("hex").slice(0, 16),
    versions: versions(),
  };
}

/** The queue of some code: what takes its jobs cannot come across those of another. */
export const queueOf = (code: Code): string => `bench-${fingerprint(code)}`;

/** For people: "commit 1234567, precond 0.1.0, tfjs 4.22.0, deno 2.9.6". */
export function describeCode({ commit, files, versions }: Code): string {
  const all = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return [`commit ${commit?.slice(0, 12) ?? "unknown"} (files ${files})`, ...all].join(", ");
}
