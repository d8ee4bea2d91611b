import { color } from "../../examples/tfjs-browser/colors.ts";
import { lineup } from "../training/lineup.ts";
import { element } from "./elements.ts";
import { bestTest, type History, last } from "./history.ts";
import { lossText } from "./sentences.ts";

const roles = {
  none: "plain steps",
  curvature: "curvature",
  snr: "signal-to-noise",
  both: "both",
  adam: "of TensorFlow.js",
} as const;

/** What a contender is called, and what it looks at. */
export function titleOf({ name, label }: History): string {
  return `${label}: ${roles[lineup[name].place]}`;
}

/** Writes a row for each contender: its colour, and where it stands. */
export function showRows(histories: readonly History[]): void {
  const least = Math.min(...histories.map((history) => last(history)?.test.loss ?? Infinity));
  element("rows").replaceChildren(...histories.map((history) => {
    const now = last(history), row = document.createElement("tr");
    row.dataset.contender = history.name;
    const head = document.createElement("th");
    head.scope = "row";
    head.className = "key";
    head.style.setProperty("--of", color(history.name));
    head.textContent = titleOf(history);
    row.append(head);
    const cells = now
      ? [
        String(Number(history.rate.toPrecision(2))),
        lossText(now.train.loss),
        lossText(now.test.loss),
        lossText(bestTest(history)),
        `${(100 * now.test.accuracy).toFixed(1)} %`,
      ]
      : ["", "", "", "", ""];
    cells.forEach((text, k) => {
      const cell = row.insertCell();
      cell.textContent = text;
      if (k === 2 && now && now.test.loss === least) cell.className = "best";
    });
    return row;
  }));
}
