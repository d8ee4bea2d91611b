import assert from "node:assert/strict";
import { command, parse, positives, samplesOption } from "./cli.ts";
import { Exit } from "./exit.ts";
import { counts } from "./overhead.ts";

const refused = (args: string[], ...parts: (string | RegExp)[]) => {
  assert.throws(() => parse(args), (error) => {
    assert.ok(error instanceof Exit);
    assert.equal(error.code, 2);
    for (const part of parts) assert.match(error.message, new RegExp(part));
    return true;
  });
};

Deno.test("parse() without arguments asks for the quick suite", () => {
  const { full, problems, methods, backends, seeds, resume, workers } = parse([]);
  assert.deepEqual(
    { full, problems, methods, backends, seeds, resume, workers },
    {
      full: false,
      problems: undefined,
      methods: undefined,
      backends: ["wasm"],
      seeds: 3,
      resume: false,
      workers: navigator.hardwareConcurrency,
    },
  );
});

Deno.test("parse() adds up lists that are given again, and refuses other values given twice", () => {
  const given = parse([
    "--problem",
    "A",
    "--problem",
    "B,A",
    "--backend",
    "cpu",
    "--backend",
    "wasm",
  ]);
  assert.deepEqual([given.problems, given.backends], [["A", "B"], ["cpu", "wasm"]]);
  assert.deepEqual(parse(["--backend", "cpu"]).backends, ["cpu"]);
  assert.deepEqual(parse(["--full", "--full"]).full, true);
  refused(["--seeds", "3", "--seeds", "4"], "'--seeds <count>' is given twice");
  refused(["--json", "a.json", "--json", "b.json"], "'--json <file>' is given twice");
});

Deno.test("parse() refuses one file for rows and report", () => {
  refused(["--json", "x", "--html", "./x"], 'Cannot write rows and report into one file, "x"');
});

Deno.test("parse() reads lists, numbers and files", () => {
  const given = parse([
    ...["--problem", "A, mlp", "--method", "sgd,adam", "--backend", "cpu,wasm"],
    ...[
      "--seeds",
      "7",
      "--json",
      "a.json",
      "--html",
      "b.html",
      "--resume",
      "--full",
      "--workers",
      "3",
    ],
  ]);
  assert.deepEqual(given, {
    full: true,
    problems: ["A", "mlp"],
    methods: ["sgd", "adam"],
    backends: ["cpu", "wasm"],
    seeds: 7,
    json: "a.json",
    html: "b.html",
    resume: true,
    yours: {},
    workers: 3,
  });
  assert.equal(parse(["--full"]).seeds, 5);
});

Deno.test("parse() refuses unknown names and says which are valid", () => {
  refused(["--method", "sgd,nope"], 'unknown method "nope"', "valid: sgd, momentum, adam");
  refused(["--problem", "Z"], 'unknown problem "Z"', "valid: A, B, C");
  refused(["--backend", "opengl"], 'unknown backend "opengl"', "valid: cpu, wasm");
  refused(["--method", ","], "no method", "valid: sgd");
});

Deno.test("parse() refuses what is only part of the full suite", () => {
  refused(["--problem", "nqm-4"], "nqm-4", "--full");
  assert.deepEqual(parse(["--full", "--problem", "nqm-4"]).problems, ["nqm-4"]);
});

Deno.test("parse() refuses other options and numbers", () => {
  refused(["--fast"], "unknown option '--fast'");
  refused(["--seeds", "0"], "positive integer, current value is 0");
  refused(["--seeds", "1.5"], "positive integer");
  refused(["--workers", "0"], "positive integer, current value is 0");
  refused(["mlp"], "too many arguments");
});

Deno.test("parse() reads batch sizes, and refuses those of too few steps where a name asks for them", () => {
  assert.deepEqual(parse(["--batch", "1,16,1"]).batchSizes, [1, 16]);
  refused(["--batch", "0"], "expected positive integers");
  refused(["--problem", "mlp", "--batch", "16,1000"], 'Cannot run "mlp" with batches of 1000');
  // Theory has no other batch.
  assert.deepEqual(parse(["--problem", "A", "--batch", "1000"]).batchSizes, [1000]);
});

Deno.test("parse() reads a text, and refuses one that is missing or too short", async () => {
  const file = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(file, "abc");
    refused(["--text", file], "Cannot train on the text", "it has 3 characters, at least 3333");
    await Deno.writeTextFile(file, "abc\n".repeat(1000));
    const { text } = parse(["--text", file]);
    assert.deepEqual([text?.name, text?.bytes], [file, 4000]);
  } finally {
    await Deno.remove(file);
  }
  refused(["--text", file], "Cannot read the text");
});

Deno.test("counts() reads k and M", () => {
  assert.deepEqual(counts("20,100k,10M"), [20, 1e5, 1e7]);
  assert.throws(() => counts("many"), /expected numbers such as 100k,1M/);
});

Deno.test("positives() reads layers and threads", () => {
  assert.deepEqual(positives("64,32"), [64, 32]);
  assert.throws(() => positives("64,"), /expected positive integers such as 128 or 64,64/);
});

Deno.test("parse() takes what a task passes on after --", () => {
  assert.equal(parse(["--", "--seeds", "7"]).seeds, 7);
});

Deno.test("samplesOption() takes five and more", () => {
  const given = (...args: string[]) =>
    command("bench", "").addOption(samplesOption(7)).parse(args, { from: "user" })
      .opts<{ samples: number }>().samples;
  assert.deepEqual([given(), given("--samples", "5")], [7, 5]);
  for (const few of ["4", "0", "many"]) {
    assert.throws(
      () => given("--samples", few),
      (error: Exit) => error.code === 2 && error.message.includes(`current value is ${few}`),
    );
  }
});
