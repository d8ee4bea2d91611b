/** @module */
import { existsSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { findChromium } from "../browser/chromium.ts";

/** How a program finds a Vulkan driver: what to add to its environment, or why there is none. */
export interface VulkanDriver {
  readonly env: Readonly<Record<string, string>>;
  /** Why WebGPU cannot run in Node.js here; undefined if it can. */
  readonly missing?: string;
}

const file = "vk_swiftshader_icd.json";
/** Where distributions keep what their `chromium` on the PATH only starts. */
const folders = ["/usr/lib/chromium", "/usr/lib/chromium-browser", "/opt/google/chrome"];

/**
 * Chromium's own SwiftShader, a Vulkan driver in software, for WebGPU outside of Chromium: Dawn, the
 * npm package `webgpu`, refuses older Mesa drivers. VK_ICD_FILENAMES goes before; other systems than
 * Linux have drivers of their own.
 */
export function swiftshader(
  env: (name: string) => string | undefined = (name) => Deno.env.get(name),
  chromium: string | undefined = findChromium(env),
): VulkanDriver {
  const given = env("VK_ICD_FILENAMES");
  if (given || Deno.build.os !== "linux") return { env: {} };
  const own = chromium && existsSync(chromium) ? [dirname(realpathSync(chromium))] : [];
  const candidates = [...own, ...folders].map((folder) => join(folder, file));
  const found = candidates.find((path) => existsSync(path));
  if (found) return { env: { VK_ICD_FILENAMES: found } };
  return {
    env: {},
    missing: `there is no Vulkan driver for Dawn: Chromium's is none of ${
      candidates.join(", ")
    }, and VK_ICD_FILENAMES names none`,
  };
}
