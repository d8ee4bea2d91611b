import assert from "node:assert/strict";
import { guideText, numbersOf, readText, symbols, textOf, windowsOf } from "./text.ts";

Deno.test("numbersOf() has a number for the line break and each printable character of ASCII", () => {
  const printable = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i)).join("");
  assert.deepEqual(
    [...numbersOf(`\n${printable}`)],
    Array.from({ length: symbols - 1 }, (_, i) => i),
  );
  // One for all others, however long they are in UTF-16.
  assert.deepEqual([...numbersOf("é∇😀\t")], [96, 96, 96, 96]);
});

Deno.test("windowsOf() labels each character with the next one, in disjoint parts", () => {
  // Characters that tell where they are: pairs of digits of the position.
  const content = Array.from({ length: 2000 }, (_, i) => String.fromCharCode(32 + i % 95)).join("");
  const { train, validation, test } = windowsOf(textOf("counted", content), 10);
  const starts = [train, validation, test].map(({ x }) => x[0]);
  assert.deepEqual(starts, [0, 1600, 1800].map((at) => numbersOf(content)[at]));
  assert.deepEqual([train.count, validation.count, test.count], [159, 19, 19]);
  for (const { x, y, count, features } of [train, validation, test]) {
    assert.deepEqual([x.length, y.length, features], [count * 10, count * 10, 10]);
    x.forEach((number, i) => assert.equal(y[i], number === 95 ? 1 : number + 1));
  }
});

Deno.test("windowsOf() refuses a text that is too short, readText() one that is not there", () => {
  assert.throws(
    () => windowsOf(textOf("short.txt", "abc"), 32),
    /^RangeError: Cannot train on the text "short.txt": it has 3 characters, at least 3333 are needed$/,
  );
  // As short as it may be.
  const { validation, test } = windowsOf(textOf("", "a".repeat(3333)), 32);
  assert.deepEqual([validation.count, test.count], [10, 10]);
  assert.throws(() => readText("/none.txt"), /^Error: Cannot read the text "\/none.txt": /);
});

Deno.test("guideText() never changes, or every row and target of the language models would", () => {
  const { content, bytes, hash } = guideText();
  assert.ok(content.startsWith("# precond\n"), content.slice(0, 40));
  assert.deepEqual([bytes, hash], [136_413, "b86631eb"]);
  assert.equal(bytes, new TextEncoder().encode(content).length);
  assert.equal(textOf("other name", content).hash, hash);
  assert.notEqual(textOf("other text", `${content}.`).hash, hash);
});
