/** Draws all that a run has brought. */
import type { Task } from "../data/examples.ts";
import { type ChartOptions, drawChart } from "./chart.ts";
import { drawDecisions, drawImages } from "./decisions.ts";
import { element } from "./elements.ts";
import { type History, last } from "./history.ts";
import { lossText, noiseSentence, verdict } from "./sentences.ts";
import { showRows, titleOf } from "./table.ts";
import { drawMaps, drawRamps } from "./weight_maps.ts";

/** What there is to draw. */
export interface Shown {
  readonly task: Task;
  readonly batchSize: number;
  readonly end: number;
  readonly logarithmic: boolean;
  readonly histories: readonly History[];
  /** The contender whose noise and weights are shown. */
  readonly chosen: History;
}

/** Makes a canvas for each contender's decisions, or one for what the images look like. */
export function offerDecisions({ task, histories }: Pick<Shown, "task" | "histories">): void {
  element("decision-text").textContent = task.points
    ? "The colour of a place is the class that the network would give to a point there, the " +
      "stronger, the surer it is. Dots are training examples as they are labelled, wrong labels " +
      "included; the line between the colours shows what has been learnt from them."
    : "Images of the digits 0 to 9, as the networks get them: moved about and in noise. There is " +
      "no plane to draw here; how many a network gets right is in the table.";
  const figure = (history: History) => {
    const [whole, caption, canvas] = ["figure", "figcaption", "canvas"].map((tag) =>
      document.createElement(tag)
    ) as [HTMLElement, HTMLElement, HTMLCanvasElement];
    caption.append(titleOf(history));
    canvas.dataset.decisions = history.name;
    canvas.role = "img";
    canvas.ariaLabel = `Answers of the network that ${history.label} trains`;
    whole.append(caption, canvas);
    return whole;
  };
  const container = element("decisions");
  container.className = task.points ? "five" : "images";
  if (task.points) container.replaceChildren(...histories.map(figure));
  else container.innerHTML = `<canvas id="images" role="img" aria-label="Images"></canvas>`;
}

function drawAnswers({ task, histories }: Shown): void {
  const { points: xy, train: { labels }, classes } = task;
  if (!xy) {
    drawImages(element<HTMLCanvasElement>("images"), task.train, 20);
    return;
  }
  for (const { name, view } of histories) {
    const canvas = document.querySelector<HTMLCanvasElement>(`[data-decisions=${name}]`)!;
    const nothing = () =>
      new Float32Array(task.grid!.length / task.width * classes).fill(1 / classes);
    drawDecisions(canvas, view?.decisions ?? nothing(), { xy, labels, classes });
  }
}

function drawLosses({ histories, end, logarithmic, task }: Shown): void {
  const ignorance = Math.log(task.classes);
  const all = histories.flatMap(({ points }) => points.flatMap(({ train, test }) => [train, test]));
  const losses = all.map(({ loss }) => loss).filter(Number.isFinite);
  const least = Math.min(ignorance / 10, ...losses), most = Math.max(ignorance * 1.2, ...losses);
  const options: ChartOptions = {
    logarithmic,
    end,
    range: logarithmic
      ? [Math.max(1e-4, least / 1.2), Math.min(most * 1.2, 3 * ignorance)]
      : [0, Math.min(most * 1.05, 3 * ignorance)],
    level: { at: ignorance, text: "knowing nothing" },
  };
  for (const set of ["test", "train"] as const) {
    const lines = histories.map(({ name, points }) => ({
      color: name,
      points: points.map((point) => [point.step, point[set].loss] as const),
    }));
    const canvas = element<HTMLCanvasElement>(`${set}-chart`);
    drawChart(canvas, lines, options);
    const said = histories.filter(last).map((h) => `${h.label} ${lossText(last(h)![set].loss)}`);
    canvas.ariaLabel = `${set === "test" ? "Test" : "Train"} loss by step. Now: ${said.join(", ")}`;
  }
}

function drawNoise({ histories, chosen, end, batchSize }: Shown): void {
  const lines = histories.map(({ name, points }) => ({
    color: name,
    points: points.flatMap(({ step, noiseScale }) =>
      noiseScale === undefined ? [] : [[step, noiseScale] as const]
    ),
  }));
  drawChart(element<HTMLCanvasElement>("noise-chart"), lines, {
    logarithmic: true,
    end,
    range: [1, 10_000],
    level: { at: batchSize, text: "batch size now" },
  });
  element("noise-text").textContent = noiseSentence(chosen, batchSize);
}

/** Draws everything. */
export function draw(shown: Shown): void {
  const { histories, chosen } = shown;
  element("step").textContent = String(last(histories[0]!)?.step ?? 0);
  drawLosses(shown);
  drawNoise(shown);
  drawAnswers(shown);
  showRows(histories);
  element("verdict").textContent = verdict(histories);
  const maps = element("maps");
  drawRamps(maps);
  if (chosen.view) drawMaps(maps, chosen.view.layers);
}
