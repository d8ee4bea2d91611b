import { color, sharp } from "../../examples/tfjs-browser/colors.ts";
import { drawPoints } from "../../examples/tfjs-browser/points.ts";
import type { LabelledPoints } from "../data/plane.ts";
import { classColors } from "./decisions.ts";
import { element } from "./elements.ts";

/** Points that the visitor sets, with mouse, finger or keyboard. */
export interface Drawing {
  points(): LabelledPoints;
  draw(): void;
}

const arrows: Readonly<Record<string, readonly [dx: number, dy: number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, 1],
  ArrowDown: [0, -1],
};

/** Makes the plane to draw on. */
export function offerDrawing(onChange: () => void): Drawing {
  const canvas = element<HTMLCanvasElement>("drawing");
  const buttons = [...document.querySelectorAll<HTMLButtonElement>("[data-class]")];
  let points: { x: number; y: number; label: number }[] = [];
  let [label, cross] = [0, { x: 0, y: 0 }];

  const labelled = (): LabelledPoints => ({
    xy: Float32Array.from(points.flatMap(({ x, y }) => [x, y])),
    labels: Int32Array.from(points, (point) => point.label),
  });
  const draw = () => {
    if (canvas.clientWidth === 0) return; // not shown
    const sheet = sharp(canvas);
    const { context, width, height } = sheet;
    drawPoints(sheet, labelled(), { fills: classColors(buttons.length), radius: 5 });
    if (document.activeElement !== canvas) return;
    const [x, y] = [(cross.x + 1) / 2 * width, (1 - cross.y) / 2 * height];
    context.strokeStyle = color("text");
    context.beginPath();
    for (const [dx, dy] of [[9, 0], [0, 9]] as const) {
      context.moveTo(x - dx, y - dy);
      context.lineTo(x + dx, y + dy);
    }
    context.stroke();
  };
  const changed = () => {
    element("drawn-count").textContent = `${points.length} points.`;
    draw();
    onChange();
  };
  const set = () => {
    points.push({ ...cross, label });
    changed();
  };

  canvas.onclick = (event) => {
    const { left, top, width, height } = canvas.getBoundingClientRect();
    cross = {
      x: 2 * (event.clientX - left) / width - 1,
      y: 1 - 2 * (event.clientY - top) / height,
    };
    set();
  };
  canvas.onkeydown = (event) => {
    const arrow = arrows[event.key];
    if (arrow) {
      const inside = (value: number) => Math.min(0.95, Math.max(-0.95, value));
      cross = { x: inside(cross.x + arrow[0] / 20), y: inside(cross.y + arrow[1] / 20) };
      draw();
    } else if (event.key === "Enter") set();
    else return;
    event.preventDefault();
  };
  canvas.onfocus = canvas.onblur = draw;
  for (const button of buttons) {
    button.onclick = () => {
      label = Number(button.dataset.class);
      for (const other of buttons) other.ariaPressed = String(other === button);
    };
  }
  element("clear").onclick = () => {
    points = [];
    changed();
  };
  return { points: labelled, draw };
}
