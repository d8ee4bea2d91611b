/**
 * A small model that knows how most people draw learns in this tab how you do.
 *
 * Run: deno run -A examples/onnxruntime-web/serve.ts
 */
import { draw, type Drawing, feedsOf, kinds, side, stroke, uniform } from "./drawings.ts";
import { accuracy, makeTrainer, type Provider, recognise } from "./model.ts";

const element = <T extends HTMLElement>(id: string) => document.getElementById(id) as T;
const status = (text: string, failed = false) => {
  element("status").textContent = text;
  element("status").classList.toggle("failed", failed);
};
const percent = (share: number) => `${Math.round(100 * share)} %`;

const wanted = new URLSearchParams(location.search).get("provider");
const providers: Provider[] = wanted === "wasm" ? ["wasm"] : ["webgpu", "wasm"];
const own: Drawing[] = [];
/** Drawings of the same hand that are never trained on. */
const unseen = Array.from({ length: 60 }, (_, i) => draw("own", i % kinds.length));
const pad = element<HTMLCanvasElement>("pad");
let pixels: Float32Array = new Float32Array(side * side);

/** Paints a drawing into a canvas, one pixel an element. */
function paint(canvas: HTMLCanvasElement, values: Float32Array): void {
  [canvas.width, canvas.height] = [side, side];
  const image = new ImageData(side, side);
  values.forEach((ink, i) => image.data.set([20, 60, 140, 255 * ink], 4 * i));
  canvas.getContext("2d")!.putImageData(image, 0, 0);
}

function keep(drawing: Drawing): void {
  own.push(drawing);
  const canvas = document.createElement("canvas");
  canvas.title = kinds[drawing.kind]!;
  paint(canvas, drawing.pixels);
  element("own").append(canvas);
  element("count").textContent = String(own.length);
  element<HTMLButtonElement>("personalise").disabled = false;
}

function clear(): void {
  pixels = new Float32Array(side * side);
  paint(pad, pixels);
}

async function start(): Promise<void> {
  clear();
  status("Starting …");
  const { trainer, provider } = await makeTrainer(providers);
  element("provider").textContent = provider;

  /** One thing at a time, and no click while it goes on. */
  const busy = async (job: () => Promise<void>) => {
    element<HTMLFieldSetElement>("controls").disabled = true;
    try {
      await job();
    } catch (error) {
      status((error as Error).message, true);
    } finally {
      element<HTMLFieldSetElement>("controls").disabled = false;
    }
  };
  const train = async (what: string, steps: number, pick: () => Drawing) => {
    for (let step = 1; step <= steps; step++) {
      const feeds = feedsOf(Array.from({ length: 32 }, pick));
      // Only a loss that is shown is read back from the GPU.
      const { loss } = await trainer.step(feeds, { readLoss: step % 20 === 0 });
      if (step % 20 === 0) {
        status(`${what}: step ${step} of ${steps}, loss ${loss.toFixed(3)}`);
        await new Promise(requestAnimationFrame);
      }
    }
  };
  const guess = async () => {
    const [row] = await recognise(trainer, [{ pixels, kind: 0 }]);
    kinds.forEach((kind, k) => {
      element<HTMLMeterElement>(`p-${kind}`).value = row![k]!;
      element(`t-${kind}`).textContent = percent(row![k]!);
    });
  };

  let last: [number, number] | undefined;
  pad.onpointerdown = (e) => pad.setPointerCapture(e.pointerId);
  pad.onpointermove = (e) => {
    if (e.buttons === 0) return last = undefined;
    const { width } = pad.getBoundingClientRect();
    const at: [number, number] = [e.offsetX * side / width - 0.5, e.offsetY * side / width - 0.5];
    stroke(pixels, last ?? at, at);
    last = at;
    paint(pad, pixels);
  };
  pad.onpointerup = () => {
    last = undefined;
    busy(guess);
  };
  element("clear").onclick = clear;
  for (const [kind, name] of kinds.entries()) {
    element(`keep-${name}`).onclick = () => {
      keep({ pixels, kind });
      clear();
    };
  }
  element("sample").onclick = () => {
    for (let i = 0; i < 30; i++) keep(draw("own", i % kinds.length));
    pixels = draw("own", 1).pixels;
    paint(pad, pixels);
    busy(guess);
  };
  element("personalise").onclick = () =>
    busy(async () => {
      // Half of each batch as before: what was known is not forgotten.
      const pick = () =>
        uniform() < 0.5 ? draw("standard") : own[Math.floor(uniform() * own.length)]!;
      await train("Personalising", 160, pick);
      element("after").textContent = percent(await accuracy(trainer, unseen));
      await guess();
      status("Personalised: the model is yours, and nothing has left this tab");
    });
  element("download").onclick = () =>
    busy(async () => {
      const bytes = await trainer.exportModel();
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob([bytes as Uint8Array<ArrayBuffer>]));
      link.download = "drawings.onnx";
      link.click();
      URL.revokeObjectURL(link.href);
      status(`The model has ${bytes.length} bytes`);
    });
  await busy(async () => {
    await train("Learning how most people draw", 200, () => draw("standard"));
    element("before").textContent = percent(await accuracy(trainer, unseen));
    status("Ready: draw, or take the drawings of another hand");
  });
}

start().catch((error: Error) => status(error.message, true));
