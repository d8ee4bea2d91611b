import assert from "node:assert/strict";
import { join } from "node:path";
import { staleness } from "./provision.ts";

type Packages = Record<string, { version?: string; optional?: boolean; link?: boolean }>;

const LOCKED: Packages = {
  "packages/core": { version: "0.1.0" },
  "node_modules/@precond/core": { link: true },
  "node_modules/a": { version: "1.0.0" },
  "node_modules/only-elsewhere": { version: "1.0.0", optional: true },
};

/** What staleness() says of a project with these packages installed. */
function judge(installed?: Packages): string | undefined {
  const directory = Deno.makeTempDirSync({ prefix: "precond-provision-" });
  try {
    const write = (path: string, packages: Packages) =>
      Deno.writeTextFileSync(join(directory, path), JSON.stringify({ packages }));
    write("package-lock.json", LOCKED);
    Deno.mkdirSync(join(directory, "node_modules"));
    if (installed) write("node_modules/.package-lock.json", installed);
    return staleness(directory);
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
}

const link = { "node_modules/@precond/core": { link: true } };

Deno.test("staleness() is content without the optional packages of other platforms", () => {
  assert.equal(judge({ ...link, "node_modules/a": { version: "1.0.0" } }), undefined);
});

Deno.test("staleness() names what is missing or of another version", () => {
  assert.equal(judge(), "node_modules is missing");
  assert.equal(judge(link), "node_modules/a is missing");
  assert.equal(
    judge({ ...link, "node_modules/a": { version: "0.9.0" } }),
    "node_modules/a is 0.9.0, package-lock.json has 1.0.0",
  );
});
