import { inFolder } from "@precond/testing/node";
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileToWrite, folderToWrite } from "./paths.ts";

Deno.test("A path that cannot be written to is refused with what to give", () =>
  inFolder(async (folder) => {
    const file = join(folder, "a.onnx"), other = join(folder, "b");
    await writeFile(file, "");
    assert.equal(fileToWrite(file), file);
    assert.equal(fileToWrite(other), other);
    assert.equal(fileToWrite("b.onnx"), "b.onnx");
    for (const there of [folder, other, join(other, "c")]) {
      assert.equal(folderToWrite(there), there);
    }
    for (
      const [parse, path, message] of [
        [fileToWrite, "", /empty; give the path of a file/],
        [fileToWrite, folder, /a folder; give a file, such as ".*out\.onnx"/],
        [fileToWrite, join(file, "c.onnx"), /a\.onnx" is a file; give a path in a folder/],
        [fileToWrite, join(other, "c.onnx"), /there is no folder ".*b"; make it first/],
        [folderToWrite, "", /empty; give a folder/],
        [folderToWrite, file, /a\.onnx" is a file; give a folder/],
        [folderToWrite, join(file, "c", "d"), /a\.onnx" is a file; give a folder/],
      ] as const
    ) {
      assert.throws(() => parse(path), { name: "InvalidArgumentError", message }, path);
    }
  }));
