/** What is seen, in words. */
import { bestTest, type History, last } from "./history.ts";

/** A loss for people. */
export function lossText(loss: number): string {
  if (!Number.isFinite(loss)) return "not a number";
  return loss < 0.01 ? loss.toPrecision(1) : loss.toFixed(loss < 0.1 ? 3 : 2);
}

const listed = new Intl.ListFormat("en");

/**
 * Those that overfit: the test loss is above its best by a tenth and by what can be seen, while the
 * train loss is lower than it was then. A test loss that rose with the train loss has only jumped.
 */
function overfitted(histories: readonly History[]): History[] {
  return histories.filter((history) => {
    const best = bestTest(history), { train, test } = last(history)!;
    const then = history.points.find((point) => point.test.loss === best)!;
    return test.loss > 1.1 * best && test.loss > best + 0.02 && train.loss < then.train.loss;
  });
}

/** Says which optimizer is ahead, and which have begun to overfit. */
export function verdict(histories: readonly History[]): string {
  const trained = histories.filter(({ points }) => points.length > 1);
  if (trained.length === 0) return "";
  const lost = trained.filter((history) => !Number.isFinite(last(history)!.test.loss));
  if (lost.length > 0) {
    return `${listed.format(lost.map(({ label }) => label))} left the numbers that a ` +
      "computer can represent, since the steps were too long: make the learning rate smaller.";
  }
  const order = trained.toSorted((a, b) => last(a)!.test.loss - last(b)!.test.loss);
  const [first, second] = order.map((history) => last(history)!.test.loss);
  // Within a tenth runs with another seed would come in another order.
  const level = order.filter((history) => last(history)!.test.loss <= 1.1 * first! + 0.005);
  const { step } = last(order[0]!)!;
  const ahead = level.length > 1
    ? `${listed.format(level.map(({ label }) => label))} are about level with the lowest test ` +
      `loss, ${lossText(first!)}`
    : `${order[0]!.label} has the lowest test loss, ${lossText(first!)}; next is ` +
      `${order[1]?.label} with ${lossText(second!)}`;
  const over = overfitted(trained).map((history) =>
    `${history.label} (best ${lossText(bestTest(history))}, now ${
      lossText(last(history)!.test.loss)
    })`
  );
  const said = `After ${step} steps ${ahead}.`;
  return over.length === 0
    ? said
    : `${said} Test loss is above its best while train loss fell, so that they overfit: ` +
      `${listed.format(over)}.`;
}

/** Says what the noise scale means for the batch size. */
export function noiseSentence({ label, points }: History, batchSize: number): string {
  const noiseScale = points.findLast((point) => point.noiseScale !== undefined)?.noiseScale;
  if (noiseScale === undefined) return "";
  const size = `${batchSize} examples a batch`;
  if (noiseScale === Infinity) {
    return `${label}: at ${size} no signal is seen in the gradient any more. All that is left looks ` +
      "like noise, so further steps mostly wander.";
  }
  const equal = noiseScale < 10 ? noiseScale.toPrecision(2) : String(Math.round(noiseScale));
  const share = Math.round(100 * noiseScale / (noiseScale + batchSize));
  const scale = `noise and signal would be equal at about ${equal}`;
  if (share > 60) {
    return `${label}: the gradient is mostly noise at this batch size: about ${share} % of it at ` +
      `${size}, and ${scale}. Twice the batch would need ` +
      `${share > 80 ? "about half as many" : "clearly fewer"} steps.`;
  }
  if (share < 40) {
    return `${label}: the gradient is mostly signal at this batch size: only about ${share} % is ` +
      `noise at ${size}, and ${scale}. Smaller batches would need hardly more steps.`;
  }
  return `${label}: signal and noise are about equal at this batch size, ${size}; ${scale}. That is ` +
    "about where larger batches stop being worth their price.";
}
