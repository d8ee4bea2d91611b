/**
 * The page of browser_test.ts: trains on onnxruntime-web's WebGL provider.
 *
 * @module
 */
import { adamW, combined, gaussNewton } from "@precond/core";
import { type Ort, Trainer } from "../../mod.ts";
import * as ort from "onnxruntime-web/webgl";
import { cnn, mlp } from "../../networks/_testing.ts";

/** Losses of a few steps, then that of an evaluation. */
export async function trainOnWebgl(
  network: "mlp" | "cnn",
  optimizer: "adamW" | "combined",
  steps: number,
): Promise<number[]> {
  const net = network === "mlp" ? mlp() : cnn();
  const trainer = await Trainer.create(ort as unknown as Ort, net, {
    optimizer: optimizer === "adamW"
      ? adamW({ learningRate: 1e-3 })
      : combined({ learningRate: 1e-3, curvature: gaussNewton({ every: 4 }) }),
    executionProviders: ["webgl"],
    sizes: { N: network === "mlp" ? 16 : 4 },
  });
  const losses: number[] = [];
  for (let step = 0; step < steps; step++) {
    losses.push((await trainer.step(net.feeds(step))).loss);
  }
  losses.push((await trainer.evaluate(net.feeds(steps))).loss);
  await trainer.release();
  return losses;
}

/** The message of a model that WebGL cannot run: sizes are not known. */
export async function withoutSizes(): Promise<string> {
  const trainer = await Trainer.create(ort as unknown as Ort, mlp(), {
    executionProviders: ["webgl"],
  });
  return await trainer.step(mlp().feeds(0)).then(() => "none", (error: Error) => error.message);
}
