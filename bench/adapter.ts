/** @module */

interface Adapter {
  readonly info: {
    readonly description: string;
    readonly vendor: string;
    readonly architecture: string;
  };
}

/** What computes for `navigator.gpu`, by the name it has itself; it must be there. */
export async function adapterName(): Promise<string> {
  const { gpu } = navigator as unknown as {
    gpu: { requestAdapter(): Promise<Adapter | null> };
  };
  const { description, vendor, architecture } = (await gpu.requestAdapter())!.info;
  return description || [vendor, architecture].filter(Boolean).join(" ") || "unknown";
}
