import assert from "node:assert/strict";
import { random } from "../random.ts";
import { encodeColumn } from "./csv_columns.ts";
import { csvData } from "./csv_problem.ts";
import { readTable } from "./csv_table.ts";

const refused = (make: () => unknown, message: RegExp) =>
  assert.throws(make, (error: Error) => error.name === "InputError" && message.test(error.message));

/** 40 rows: a number, a category, and targets of both kinds. */
function text(change: (row: string[], i: number) => string[] = (row) => row): string {
  const draw = random("csv test");
  const rows = Array.from({ length: 40 }, (_, i) => {
    const size = draw.normal();
    const city = ["Ulm", "Bonn", "Köln"][draw.integer(3)]!;
    const row = [`${1000 + 10 * size}`, city, `${2 * size}`, size > 0 ? "yes" : "no"];
    return change(row, i).join(",");
  });
  return ["size,city,price,sold", ...rows, ""].join("\n");
}

Deno.test("readTable() reads quotes, empty lines, byte order marks and other delimiters", () => {
  const { columns, rows } = readTable('\ufeffa; b\r\n1;"x\r\ny"\r\n\r\n"2;3"; c \r\n', "t.csv");
  assert.deepEqual(columns, ["a", "b"]);
  assert.deepEqual(rows.map(({ cells }) => cells), [["1", "x\r\ny"], ["2;3", "c"]]);
  assert.deepEqual(readTable("a\tb,c\td\n1\t2\t3\n", "t.csv").columns, ["a", "b,c", "d"]);
});

Deno.test("readTable() says in which line a table is none", () => {
  const reading = (text: string, message: RegExp) =>
    refused(() => readTable(text, "t.csv"), message);
  reading("a,b\n1,2\n3\n", /^Cannot read "t.csv": line 3: .*expect 2, got 1/);
  reading("a,b\n1,2\n\n3,4,5\n", /line 4: .*expect 2, got 3/);
  reading('a,b\n1,"2\n', /line 2: Quote Not Closed/);
  reading("", /^Cannot read "t.csv": it is empty$/);
  reading("a,b\n", /no rows but the names of its columns/);
  reading("a,,c\n1,2,3\n", /column 2 has no name/);
  reading("a,b,a\n1,2,3\n", /two columns are called "a"/);
});

const encoded = (train: string[], all = train) => {
  const { width, write, kind, note } = encodeColumn("c", all, train);
  const values = all.map((cell) => {
    const into = new Float32Array(width);
    write(cell, into, 0);
    return [...into];
  });
  return { kind, note, values };
};

Deno.test("encodeColumn() standardises numbers by the training rows, and marks those that miss", () => {
  // Mean 2, deviation 1.
  assert.deepEqual(encoded(["1", "3"], ["1", "3", "6"]).values, [[-1], [1], [4]]);
  const { values, note } = encoded(["1", "NA", "3", ""], ["1", "NA", "3", "", "5e0"]);
  assert.deepEqual(values, [[-1, 0], [0, 1], [1, 0], [0, 1], [3, 0]]);
  assert.equal(note, '"c" misses 2 of 5 values');
  // Only a row that is not for training misses one: it counts as the mean.
  assert.deepEqual(encoded(["1", "3"], ["1", "3", "?"]).values, [[-1], [1], [0]]);
});

Deno.test("encodeColumn() has a number for each category of the training rows", () => {
  const { kind, values } = encoded(["b", "a", "", "2"], ["b", "a", "", "2", "new"]);
  assert.equal(kind, "categories");
  assert.deepEqual(values, [[0, 0, 0, 1], [0, 0, 1, 0], [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0]]);
});

Deno.test("encodeColumn() leaves out what tells nothing, and says so", () => {
  assert.match(
    encoded(["1", "1"], ["1", "1", "2"]).note!,
    /"c" is left out: it is the same in all/,
  );
  assert.match(encoded(["", "na"], ["", "na", "2"]).note!, /empty in the training rows/);
  const names = Array.from({ length: 40 }, (_, i) => `name ${i}`);
  assert.match(encoded(names).note!, /40 different values that are not all numbers \("name 0"\)/);
  assert.deepEqual(encoded(names).values[0], []);
});

Deno.test("csvData() splits alike every time, into parts that share no row", () => {
  const options = { file: "t.csv", target: "price" };
  const one = csvData(text(), options);
  const { train, validation, test } = one.data;
  assert.deepEqual([train.count, validation.count, test.count], [28, 6, 6]);
  // The number, three towns, yes and no.
  assert.equal(train.features, 6);
  assert.deepEqual(csvData(text(), options).data, one.data);
  const sizes = [train, validation, test].flatMap(({ x }) => [...x].filter((_, i) => i % 6 === 0));
  assert.equal(new Set(sizes).size, 40);
  // A price is twice the size: both are the same after standardisation.
  train.y.forEach((y, i) => assert.ok(Math.abs(y - train.x[6 * i]!) < 1e-4));
  test.y.forEach((y, i) => assert.ok(Math.abs(y - test.x[6 * i]!) < 1e-4));
});

Deno.test("csvData() tells tasks by their values, and takes the one that is asked for", () => {
  const task = (target: string, asked?: "classification") =>
    csvData(text((row, i) => [...row.slice(0, 3), `${i % 4}`]), {
      file: "t.csv",
      target,
      ...(asked && { task: asked }),
    });
  assert.equal(task("price").target.task, "regression");
  assert.equal(task("city").target.task, "classification");
  assert.deepEqual(task("sold").target.classes, ["0", "1", "2", "3"]);
  assert.equal(csvData(text(), { file: "t.csv", target: "sold" }).target.classes.join(), "no,yes");
  const { chance, data: { train } } = task("sold");
  const shares = [0, 1, 2, 3].map((c) => train.y.filter((y) => y === c).length / train.count);
  const entropy = -shares.reduce((sum, p) => sum + p * Math.log(p), 0);
  assert.ok(Math.abs(chance - entropy) < 1e-12);
});

Deno.test("csvData() leaves out rows without a target, and says so", () => {
  const some = text((row, i) => i < 3 ? [...row.slice(0, 2), "NA", "yes"] : row);
  const { data, notes } = csvData(some, { file: "t.csv", target: "price" });
  assert.equal(data.train.count + data.validation.count + data.test.count, 37);
  assert.match(
    notes.join("; "),
    /^37 rows: 25 to train, .*; 3 rows without a target are left out$/,
  );
});

Deno.test("csvData() refuses what cannot be learnt", () => {
  const learning = (table: string, target: string, message: RegExp, task?: "regression") =>
    refused(() => csvData(table, { file: "t.csv", target, ...(task && { task }) }), message);
  learning(text(), "prise", /there is no such column, did you mean "price"\? \(it has "size", /);
  const same = text((row) => [...row.slice(0, 3), "yes"]);
  learning(same, "sold", /Cannot learn "sold" of "t.csv": it is "yes" in all 40 rows/);
  learning(text((row) => [...row.slice(0, 3), ""]), "sold", /it has no values/);
  learning(
    text(),
    "sold",
    /"(yes|no)" in line 2 is no number; use --task classification/,
    "regression",
  );
  const named = text((row, i) => [...row.slice(0, 3), `name ${i}`]);
  learning(
    named,
    "sold",
    /40 classes in 40 rows, at most 20 can be told apart; use another column/,
  );
  const short = text().split("\n").slice(0, 12).join("\n");
  learning(short, "price", /it has 11 rows with a target, at least 20 are needed/);
  const bare = text((_, i) => ["1", "", `${i / 3}`, ""]);
  learning(bare, "price", /no other column tells anything \("size" is left out: it is the same/);
});
