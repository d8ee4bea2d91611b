import assert from "node:assert/strict";
import { measuredRow } from "./_testing.ts";
import { markdownOverview } from "./markdown.ts";

const runs = (problem: string, method: string, examples: (number | null)[]) =>
  examples.map((examplesToTarget, i) =>
    measuredRow({ problem, method, seed: i + 1, examplesToTarget })
  );

Deno.test("markdownOverview() marks what is better and worse, with intervals", () => {
  const rows = [
    ...runs("mlp", "adam", [100, 100]),
    ...runs("cnn", "adam", [100, null]),
    ...runs("mlp", "sgd", [50, 50]),
    ...runs("mlp", "combined", [200, 400]),
    ...runs("mlp", "snrOnly", [50, 200]),
    ...runs("cnn", "snrOnly", [100, null]),
  ];
  const titles = { combined: "combined()", snrOnly: "snrOnly()" };
  assert.equal(
    markdownOverview({ rows, sensitivity: [] }, { compared: "examplesToTarget", titles }),
    [
      "|  | mlp | cnn |",
      "| - | - | - |",
      // Half on one seed, twice on the other; level where neither gets there.
      "| `snrOnly()` | 1× [0.5–2] | 1× |",
      // 2 and 4: their geometric mean is √8.
      "| `combined()` | _2.8× [2–4]_ |  |",
    ].join("\n"),
  );
});

Deno.test("markdownOverview() says batch sizes where a problem has several", () => {
  const both = (batchSize: number) =>
    ["adam", "combined"].map((method) =>
      measuredRow({ problem: "mlp", method, seed: 1, batchSize, secondsToTarget: 2 })
    );
  const table = markdownOverview({ rows: [16, 64].flatMap(both), sensitivity: [] }, {
    ...{ compared: "secondsToTarget", titles: { combined: "combined()" } },
  });
  assert.match(table, /^\| +\| mlp, batches of 16 \| mlp, batches of 64 \|\n/);
});
