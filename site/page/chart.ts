import { color, sharp } from "../../examples/tfjs-browser/colors.ts";
import { tickOf } from "../../examples/tfjs-browser/loss_curve.ts";

/** A line of a chart. */
export interface Line {
  /** The name of its colour. */
  readonly color: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

/** What a chart shows besides its lines. */
export interface ChartOptions {
  readonly logarithmic: boolean;
  /** The least end of the x axis. */
  readonly end: number;
  /** Values outside are drawn at the edge. */
  readonly range: readonly [low: number, high: number];
  /** A level that is named. */
  readonly level?: { readonly at: number; readonly text: string };
}

const short = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });
const margin = { left: 42, right: 10, top: 10, bottom: 24 };

/** Round numbers, some four to eight of them. */
function linearTicks(low: number, high: number): number[] {
  const tick = tickOf(high - low);
  const first = Math.ceil(low / tick - 1e-9);
  const count = Math.floor(high / tick + 1e-9) - first + 1;
  return Array.from({ length: count }, (_, k) => Number(((first + k) * tick).toPrecision(6)));
}

function powerTicks(low: number, high: number): number[] {
  const [first, end] = [Math.ceil(Math.log10(low)), Math.floor(Math.log10(high))];
  return Array.from({ length: end - first + 1 }, (_, k) => Number(`1e${first + k}`));
}

/** Draws lines over steps. */
export function drawChart(
  canvas: HTMLCanvasElement,
  lines: readonly Line[],
  { logarithmic, end: least, range: [low, high], level }: ChartOptions,
): void {
  const { context, width, height } = sharp(canvas);
  const end = Math.max(least, ...lines.map(({ points }) => points.at(-1)?.[0] ?? 0));
  const scale = logarithmic ? Math.log : (value: number) => value;
  const x = (step: number) => margin.left + step / end * (width - margin.left - margin.right);
  const y = (value: number) => {
    const inside = Math.min(high, Math.max(low, value));
    const part = (scale(inside) - scale(low)) / (scale(high) - scale(low));
    return height - margin.bottom - part * (height - margin.top - margin.bottom);
  };
  const stroke = (
    points: readonly (readonly [number, number])[],
    style: Partial<CanvasRenderingContext2D>,
  ) => {
    Object.assign(context, { lineWidth: 2, lineJoin: "round" }, style);
    context.beginPath();
    for (const [step, value] of points) {
      if (!Number.isNaN(value)) context.lineTo(x(step), y(value));
    }
    context.stroke();
  };
  context.font = `12px ${getComputedStyle(canvas).fontFamily}`;
  context.fillStyle = color("muted");
  Object.assign(context, { textAlign: "right", textBaseline: "middle" });
  for (const value of (logarithmic ? powerTicks : linearTicks)(low, high)) {
    stroke([[0, value], [end, value]], { strokeStyle: color("line"), lineWidth: 1 });
    context.fillText(short.format(value), margin.left - 6, y(value));
  }
  context.textBaseline = "top";
  for (const step of linearTicks(0, end)) {
    context.textAlign = step === end ? "right" : "center";
    context.fillText(String(step), x(step), height - margin.bottom + 7);
  }
  if (level) {
    context.setLineDash([2, 4]);
    stroke([[0, level.at], [end, level.at]], { strokeStyle: color("muted"), lineWidth: 1 });
    context.setLineDash([]);
    Object.assign(context, { textAlign: "right", textBaseline: "bottom" });
    context.fillText(level.text, x(end), y(level.at) - 2);
  }
  for (const line of lines) stroke(line.points, { strokeStyle: color(line.color) });
}
