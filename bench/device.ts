/** @module */
import * as tf from "@tensorflow/tfjs-core";
import os from "node:os";

/** The machine a row was measured on. */
export interface Device {
  readonly cpu: string;
  readonly cores: number;
  readonly os: string;
  /** What computed, where it was not the processor, by its own name. */
  readonly gpu?: string;
}

/** The software a row was measured with. */
export interface Versions {
  readonly precond: string;
  readonly tfjs: string;
  readonly deno: string;
}

/** This machine. */
export function device(): Device {
  const cpus = os.cpus();
  return {
    cpu: cpus[0]?.model.trim() || "unknown",
    cores: cpus.length,
    os: `${os.platform()} ${os.arch()}`,
  };
}

/** What runs here. */
export function versions(): Versions {
  const manifest = new URL("../packages/core/package.json", import.meta.url);
  const { version } = JSON.parse(Deno.readTextFileSync(manifest)) as { version: string };
  return { precond: version, tfjs: tf.version_core, deno: Deno.version.deno };
}

/** The code that runs here. */
export interface Source {
  /** The commit that is checked out, or null outside a repository. */
  readonly commit: string | null;
  /** Whether files differ from it. */
  readonly dirty: boolean;
}

/** Asks git, where there is one. */
export function source(): Source {
  const git = (...args: string[]): string | undefined => {
    try {
      const { success, stdout } = new Deno.Command("git", {
        args,
        cwd: new URL(".", import.meta.url),
        stderr: "null",
      }).outputSync();
      return success ? new TextDecoder().decode(stdout).trim() : undefined;
    } catch {
      return undefined; // no git
    }
  };
  const commit = git("rev-parse", "HEAD");
  return commit
    ? { commit, dirty: git("status", "--porcelain") !== "" }
    : { commit: null, dirty: false };
}

/** Where and with what runs happen. */
export interface Surroundings extends Source {
  readonly device: Device;
  readonly versions: Versions;
  /** Runs that the machine has going at once: their seconds are those of a busy machine. */
  readonly workers: number;
}
