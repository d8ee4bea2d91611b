/** @module */
import type { Tensor } from "./ort.ts";

/** A failure of ONNX Runtime with what was attempted; ours say so already. */
export async function explained(
  action: string,
  run: () => Promise<Readonly<Record<string, Tensor>>>,
): Promise<Record<string, Tensor>> {
  try {
    return await run();
  } catch (cause) {
    if (!(cause instanceof Error) || cause instanceof TypeError || cause instanceof RangeError) {
      throw cause;
    }
    throw new Error(
      `Cannot ${action}: ONNX Runtime failed: ${cause.message}; parameters and optimizer are as ` +
        `they were`,
      { cause },
    );
  }
}
