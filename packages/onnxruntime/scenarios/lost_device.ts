/**
 * Loses ONNX Runtime's WebGPU device and prints what every call says: in a process of its own, because
 * there is one device a process. The argument is the call that is running then, or "none".
 *
 * @module
 */
import { adamW } from "@precond/core";
import { gpuOrt, mlp, nodeOrt } from "./builds.ts";
import { Trainer } from "../trainer/trainer.ts";

const ort = await gpuOrt();
const net = mlp();
const optimizer = adamW({ learningRate: 0.01 });
const onGpu = { optimizer, executionProviders: ["webgpu"] } as const;
const trainer = await Trainer.create(ort, net, onGpu);
for (let step = 0; step < 3; step++) await trainer.step(net.feeds(step));
const saved = await trainer.save();
const weights = [...await trainer.parameter("w1")];

const calls: Readonly<Record<string, () => Promise<unknown>>> = {
  step: () => trainer.step(net.feeds(3)),
  evaluate: () => trainer.evaluate(net.feeds(3)),
  save: () => trainer.save(),
  parameter: () => trainer.parameter("w1"),
  exportModel: () => trainer.exportModel(),
  release: () => trainer.release(),
};

/** How a call ends. */
async function ending(call: Promise<unknown>): Promise<string> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const limit = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve("hangs"), 30_000);
  });
  const outcome = call.then(
    () => "resolves",
    (error) => `${error.name}: ${error.message}`,
  );
  const first = await Promise.race([outcome, limit]);
  clearTimeout(timer);
  return first;
}

const device = await ort.env.webgpu.device;
const endings: [string, string][] = [];
const running = Deno.args[0]!;
if (running === "none") device.destroy();
else {
  const { submit } = device.queue;
  // In the middle of the call: its work is with the device, and its result is not back.
  device.queue.submit = function (commands) {
    device.queue.submit = submit;
    submit.call(this, commands);
    device.destroy();
  };
  endings.push([running, await ending(calls[running]!())]);
}
for (const [name, call] of Object.entries(calls)) endings.push([name, await ending(call())]);

const onCpu = await Trainer.create(nodeOrt, net, { optimizer });
onCpu.load(saved);
const restored = onCpu.iteration === 3 &&
  JSON.stringify([...await onCpu.parameter("w1")]) === JSON.stringify(weights);
const cpu = await ending(onCpu.step(net.feeds(3)));
// ONNX Runtime opens another device when all trainers of the lost one are released.
const again = await Trainer.create(ort, net, onGpu);
again.load(saved);
const gpu = await ending(again.step(net.feeds(3)));
console.log(JSON.stringify({ endings, restored, cpu, gpu }));
// Sessions of onnxruntime-web keep the process alive.
Deno.exit(0);
