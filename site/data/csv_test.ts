import assert from "node:assert/strict";
import { readCsv } from "./csv.ts";

const rows = (count: number, line: (i: number) => string) =>
  Array.from({ length: count }, (_, i) => line(i)).join("\n");

Deno.test("readCsv() scales each axis to [-0.9, 0.9] and numbers labels in their order", () => {
  const { xy, labels, names } = readCsv(
    "x,y,kind\r\n" + rows(15, (i) => `${i},${-10 * i},${i % 2 ? "yes" : "no"}`),
  );
  assert.deepEqual(names, ["no", "yes"]);
  assert.deepEqual([...labels.slice(0, 3)], [0, 1, 0]);
  const at = (i: number) => [...xy.slice(2 * i, 2 * i + 2)];
  assert.deepEqual(at(0), [...Float32Array.of(-0.9, 0.9)]);
  assert.deepEqual(at(7), [0, 0]);
  assert.deepEqual(at(14), [...Float32Array.of(0.9, -0.9)]);
});

Deno.test("readCsv() takes semicolons, quotes, empty lines, and an axis without extent", () => {
  const { xy, names } = readCsv(rows(15, (i) => `5;${i};"${i % 3}"\n`));
  assert.deepEqual(names, ["0", "1", "2"]);
  assert.equal(xy[0], 0);
});

Deno.test("readCsv() says which line is wrong, and how it should be", () => {
  const good = rows(15, (i) => `${i},1,${i % 2}`);
  const cases: [string, RegExp][] = [
    [`${good}\n1,2`, /^Cannot read line 16: it has 2 columns; give three/],
    [`${good}\n1,two,0`, /^Cannot read line 16: x and y must be numbers .* "1" and "two"$/],
    [`${good}\n,2,0`, /^Cannot read line 16: x and y/],
    [rows(14, (i) => `1,2,${i}`), /^Cannot train on 14 rows: .* give at least 15$/],
    [rows(15, () => "1,2,a"), /^Cannot train on 1 different labels: give 2 to 6$/],
    [rows(15, (i) => `1,2,${i}`), /^Cannot train on 15 different labels: give 2 to 6$/],
  ];
  for (const [text, message] of cases) assert.throws(() => readCsv(text), { message });
});
