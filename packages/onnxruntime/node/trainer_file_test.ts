import { inFolder } from "@precond/testing/node";
import assert from "node:assert/strict";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { countingTrainer, ones, size } from "../scenarios/save_until_killed.ts";
import { loadFile, saveFile } from "./mod.ts";

Deno.test("saveFile() and loadFile() carry on, in the format that the path asks for", () =>
  inFolder(async (folder) => {
    const trainer = await countingTrainer();
    const other = await countingTrainer();
    for (let step = 0; step < 3; step++) await trainer.step(ones);
    for (const [name, magic] of [["run.safetensors", "{"], ["run.ckpt", "ODTC"]] as const) {
      const path = join(folder, name);
      await saveFile(trainer, path);
      const head = (await Deno.readFile(path)).subarray(0, 16);
      assert.ok(new TextDecoder().decode(head).includes(magic), name);
      other.setParameter("w", new Float32Array(size).fill(7));
      await loadFile(other, path);
      assert.equal(other.iteration, 3);
      assert.ok((await other.parameter("w")).every((w) => w === -3));
    }
    await writeFile(join(folder, "bad"), "nothing of the kind");
    await assert.rejects(loadFile(other, join(folder, "bad")));
    await assert.rejects(loadFile(other, join(folder, "none")), {
      message: `Cannot load: "${join(folder, "none")}": it does not exist`,
      code: "ENOENT",
    });
    await assert.rejects(loadFile(other, folder), /^Error: Cannot load: .*: it is a folder$/);
    for (const path of [undefined, "", 3]) {
      await assert.rejects(loadFile(other, path as string), /Cannot load: expected a path, given/);
      await assert.rejects(saveFile(trainer, path as string), /Cannot write a file: expected its/);
    }
    assert.equal(other.iteration, 3);
    for (const t of [trainer, other]) await t.release();
  }));

// Each process is killed at a moment of its own, which moves through the time that saves take.
Deno.test("a process killed while it saves, 100 times, leaves the old file or the new one", () =>
  inFolder(async (folder) => {
    const trainer = await countingTrainer();
    let cut = 0;
    let last = 0;
    const kill = async (k: number) => {
      const own = join(folder, `${k}`);
      await Deno.mkdir(own);
      const child = new Deno.Command(Deno.execPath(), {
        args: [
          "run",
          "-A",
          "--no-check",
          fileURLToPath(new URL("../scenarios/save_until_killed.ts", import.meta.url)),
          join(own, "run.safetensors"),
        ],
        stdout: "piped",
        stderr: "inherit",
      }).spawn();
      const reader = child.stdout.getReader();
      assert.equal((await reader.read()).done, false);
      await new Promise((done) => setTimeout(done, (k * 7) % 50));
      child.kill("SIGKILL");
      await reader.cancel();
      await child.status;
      return own;
    };
    for (let k = 0; k < 100; k += 4) {
      for (const own of await Promise.all([kill(k), kill(k + 1), kill(k + 2), kill(k + 3)])) {
        // Loading checks every length and shape; all elements belong to one step.
        await loadFile(trainer, join(own, "run.safetensors"));
        const w = await trainer.parameter("w");
        assert.ok(trainer.iteration >= 1);
        assert.ok(w.every((x) => x === -trainer.iteration), `${own}: ${w[0]}, ${w.at(-1)}`);
        last = Math.max(last, trainer.iteration);
        // A temporary file says that it was killed in the middle of a save.
        if ((await readdir(own)).length > 1) cut++;
      }
    }
    assert.ok(cut > 0, "no process was killed in the middle of a save");
    assert.ok(last > 1);
    await trainer.release();
  }));
