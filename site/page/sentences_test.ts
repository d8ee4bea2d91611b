import assert from "node:assert/strict";
import type { History } from "./history.ts";
import { noiseSentence, verdict } from "./sentences.ts";

const history = (
  label: string,
  losses: readonly number[],
  { noiseScale = 16, trained = (i: number) => -i } = {},
): History => ({
  name: "adam",
  label,
  rate: 0.1,
  points: losses.map((loss, i) => ({
    step: 10 * i,
    train: { loss: trained(i), accuracy: 0.5 },
    test: { loss, accuracy: 0.5 },
    noiseScale,
  })),
});

Deno.test("verdict() names who is ahead, and who is behind its best", () => {
  const text = verdict([history("A", [0.7, 0.4, 0.8]), history("B", [0.7, 0.6, 0.5])]);
  assert.equal(
    text,
    "After 20 steps B has the lowest test loss, 0.50; next is A with 0.80. Test loss is above its " +
      "best while train loss fell, so that they overfit: A (best 0.40, now 0.80).",
  );
  // The train loss rose as well: no overfitting.
  const jumped = history("A", [0.7, 0.4, 0.8], { trained: (i) => i });
  assert.doesNotMatch(verdict([jumped]), /overfit/);
});

Deno.test("verdict() calls level what a tenth apart is, and knows losses that are no numbers", () => {
  const level = verdict([history("A", [0.7, 0.5]), history("B", [0.7, 0.52])]);
  assert.equal(level, "After 10 steps A and B are about level with the lowest test loss, 0.50.");
  assert.match(verdict([history("A", [0.7, NaN])]), /^A left the numbers/);
  assert.equal(verdict([history("A", [0.7])]), "");
});

Deno.test("noiseSentence() compares the noise scale with the batch size", () => {
  // B·noise/signal = scale: of the gradient's mean square scale/(scale + B) is noise.
  const cases: [number, RegExp][] = [
    [48, /mostly noise at this batch size: about 75 % .* equal at about 48\./],
    [16, /about equal at this batch size/],
    [4, /mostly signal at this batch size: only about 20 % .* equal at about 4\.0\./],
    [Infinity, /no signal is seen/],
  ];
  for (const [scale, text] of cases) {
    assert.match(noiseSentence(history("A", [0.7], { noiseScale: scale }), 16), text);
  }
});
