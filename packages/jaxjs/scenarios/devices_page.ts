/**
 * The page of devices_browser_test.ts: updates on the devices that jax-js has in browsers.
 *
 * @module
 */
import { type Device, getWebGPUDevice, init } from "@jax-js/jax";
import { basisCases, checkConformance, conformanceCases, heldCases } from "@precond/testing";
import { treeSubject } from "../_testing.ts";

const warnings: string[] = [];
console.warn = (message: unknown) => void warnings.push(String(message));

/** Starts a device. */
export async function start(device: Device): Promise<void> {
  const started = await init("wasm", device);
  if (!started.includes(device)) {
    throw new Error(`Cannot start ${device}: jax-js has ${started.join(", ")}`);
  }
  if (device !== "webgpu") return;
  // Chromium would only warn of commands that the device refuses.
  getWebGPUDevice().addEventListener(
    "uncapturederror",
    (e) => reportError(new Error(e.error.message)),
  );
}

/** Runs a conformance case. */
export async function conformance(device: Device, name: string, steps: number): Promise<void> {
  const reads = device === "webgpu" ? "async" : "sync";
  const cases = [
    ...conformanceCases,
    ...heldCases,
    ...basisCases({ reads, outputAxis: "first" }),
  ];
  await checkConformance(cases.find((c) => c.name === name)!, treeSubject(device), { steps });
}

/** What was warned of since it was asked last, as that updates are not fused. */
export function warned(): string[] {
  return warnings.splice(0);
}
