import { color, sharp } from "./colors.ts";

/** Losses of a run, as they were read. */
export interface Run {
  readonly method: string;
  readonly label: string;
  readonly points: { step: number; train: number; test: number }[];
}

const margin = { left: 40, right: 12, top: 12, bottom: 26 };

/** A round step that makes four to eight ticks in `end`. */
export function tickOf(end: number): number {
  const power = 10 ** Math.floor(Math.log10(end / 4));
  return [1, 2, 5, 10].map((k) => k * power).find((tick) => end / tick <= 8)!;
}

/** Draws train and test loss of the last run, and the test losses of those before. */
export function drawLosses(canvas: HTMLCanvasElement, runs: readonly Run[]): void {
  const { context, width, height } = sharp(canvas);
  const all = runs.flatMap(({ points }) => points);
  const end = Math.max(200, ...all.map(({ step }) => step));
  const top = Math.min(2, Math.max(0.9, ...all.map(({ test }) => test * 1.05)));
  const x = (step: number) => margin.left + step / end * (width - margin.left - margin.right);
  const y = (loss: number) =>
    height - margin.bottom - loss / top * (height - margin.top - margin.bottom);

  const line = (
    points: readonly (readonly [number, number])[],
    style: Partial<CanvasRenderingContext2D>,
    dash: number[] = [],
  ) => {
    Object.assign(context, { lineWidth: 2, lineJoin: "round", globalAlpha: 1 }, style);
    context.setLineDash(dash);
    context.beginPath();
    for (const [step, loss] of points) context.lineTo(x(step), y(Math.min(loss, top)));
    context.stroke();
    context.globalAlpha = 1;
  };

  context.font = `12px ${getComputedStyle(canvas).fontFamily}`;
  context.fillStyle = color("muted");
  const grid = { strokeStyle: color("line"), lineWidth: 1 };
  context.textAlign = "right";
  context.textBaseline = "middle";
  for (let loss = 0; loss <= top; loss += 0.25) {
    line([[0, loss], [end, loss]], grid);
    context.fillText(loss.toFixed(2), margin.left - 6, y(loss));
  }
  context.textBaseline = "top";
  for (let step = 0, tick = tickOf(end); step <= end; step += tick) {
    context.textAlign = step + tick > end ? "right" : "center";
    context.fillText(String(step), x(step), height - margin.bottom + 8);
  }
  line([[0, Math.LN2], [end, Math.LN2]], { strokeStyle: color("muted"), lineWidth: 1 }, [2, 4]);
  context.textAlign = "right";
  context.textBaseline = "bottom";
  context.fillText("ln 2: knowing nothing", x(end), y(Math.LN2) - 3);

  runs.forEach(({ method, points }, k) => {
    const last = k === runs.length - 1, strokeStyle = color(method);
    if (last) {
      line(points.map(({ step, train }) => [step, train]), { strokeStyle, lineWidth: 1.5 }, [5, 4]);
    }
    line(points.map(({ step, test }) => [step, test]), {
      strokeStyle,
      globalAlpha: last ? 1 : 0.4,
    });
  });
}
