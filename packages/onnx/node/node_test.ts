import { inFolder } from "@precond/testing/node";
import assert from "node:assert/strict";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { OnnxError } from "../model/onnx_error.ts";
import { DataType } from "../model/data_type.ts";
import { makeTensor, tensorData } from "../model/tensor.ts";
import { readCheckpointFile, writeCheckpointFile, writeFileAtomically } from "./mod.ts";

Deno.test("writeFileAtomically() replaces a file and leaves no other", () =>
  inFolder(async (folder) => {
    const path = join(folder, "a.bin");
    await writeFileAtomically(path, new Uint8Array([1, 2]));
    await writeFileAtomically(path, new Uint8Array([3]));
    assert.deepEqual([...await readFile(path)], [3]);
    assert.deepEqual(await readdir(folder), ["a.bin"]);
  }));

Deno.test("writeFileAtomically() removes what a killed process left, and nothing else", () =>
  inFolder(async (folder) => {
    const path = join(folder, "a.bin");
    // A process that has ended has a number that is free again.
    const child = new Deno.Command(Deno.execPath(), { args: ["eval", ""] }).spawn();
    await child.status;
    const name = (of: string, pid: number) =>
      `.${of}.${hostname()}.${pid}.${crypto.randomUUID()}.tmp`;
    const [dead, alive] = [name("a.bin", child.pid), name("a.bin", Deno.ppid)];
    const others = [alive, name("b.bin", child.pid), ".a.bin.notes.tmp"].sort();
    for (const file of [dead, ...others]) await writeFile(join(folder, file), "half");
    await writeFileAtomically(path, new Uint8Array([1]));
    assert.deepEqual((await readdir(folder)).sort(), [...others, "a.bin"].sort());
  }));

Deno.test("writeFileAtomically() that fails leaves the old file, and no other", () =>
  inFolder(async (folder) => {
    const path = join(folder, "taken");
    await mkdir(path);
    await writeFile(join(path, "inside"), "old");
    await assert.rejects(writeFileAtomically(path, new Uint8Array([1])), (error: Error) => {
      assert.ok(error.message.startsWith(`Cannot write "${path}": `), error.message);
      return true;
    });
    assert.deepEqual(await readdir(folder), ["taken"]);
    const nowhere = join(folder, "none");
    await assert.rejects(writeFileAtomically(join(nowhere, "a"), new Uint8Array([1])), {
      code: "ENOENT",
      message: `Cannot write "${join(nowhere, "a")}": there is no folder "${nowhere}"`,
    });
    assert.deepEqual(await readdir(folder), ["taken"]);
  }));

Deno.test("a reader at any moment sees one content, whole", () =>
  inFolder(async (folder) => {
    const path = join(folder, "a.bin");
    const content = (value: number) => new Uint8Array(1 << 20).fill(value);
    await writeFileAtomically(path, content(0));
    let done = false;
    const writing = (async () => {
      for (let k = 1; k <= 10; k++) await writeFileAtomically(path, content(k));
      done = true;
    })();
    while (!done) {
      const bytes = await readFile(path);
      assert.equal(bytes.length, 1 << 20);
      assert.ok(bytes.every((b) => b === bytes[0]));
    }
    await writing;
  }));

Deno.test("checkpoints are written to files and read from files and folders", () =>
  inFolder(async (folder) => {
    const path = join(folder, "checkpoint");
    const w = makeTensor("w", DataType.FLOAT, [2], Float32Array.of(1, 2));
    await writeCheckpointFile(path, { parameters: [w] });
    const [read] = (await readCheckpointFile(path)).parameters;
    assert.deepEqual([...tensorData(read!)], [1, 2]);
    await assert.rejects(readCheckpointFile(folder), OnnxError);
  }));
