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

/** What a contender is called and what it looks at, in its colour. */
export function titleOf({ name, label }: History): HTMLElement {
  const title = document.createElement("span"), role = document.createElement("small");
  title.className = "key";
  title.style.setProperty("--of", color(name));
  role.textContent = roles[lineup[name].place];
  title.append(label, " ", role);
  return title;
}

/** Writes a row for each contender: its colour, and where it stands. */
export function showRows(histories: readonly History[]): void {
  const least = Math.min(...histories.map((history) => last(history)?.test.loss ?? Infinity));
  element("rows").replaceChildren(...histories.map((history) => {
    const now = last(history), row = document.createElement("tr");
    row.dataset.contender = history.name;
    const head = document.createElement("th");
    head.scope = "row";
    head.append(titleOf(history));
    row.append(head);
    const rate = Number.isNaN(history.rate) ? "" : String(Number(history.rate.toPrecision(2)));
    const cells = now
      ? [
        rate,
        lossText(now.train.loss),
        lossText(now.test.loss),
        lossText(bestTest(history)),
        `${(100 * now.test.accuracy).toFixed(1)} %`,
      ]
      : [rate, "", "", "", ""];
    cells.forEach((text, k) => {
      const cell = row.insertCell();
      cell.textContent = text;
      if (k === 0) cell.className = "optional";
      if (k === 2 && now && now.test.loss === least) cell.className = "best";
    });
    return row;
  }));
}
