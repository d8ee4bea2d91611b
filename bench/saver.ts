/** @module */
import { write } from "./file.ts";

/** Keeps a file up to date with something that changes. */
export interface Saver {
  /** There is something new: written soon, as the file is rewritten as a whole. */
  changed(): void;
  /** Writes it now. */
  flush(): Promise<void>;
}

/** A saver that writes at most every 1.5 seconds. */
export function saver(path: string, text: () => string): Saver {
  let last = performance.now();
  let writing: Promise<void> = Promise.resolve();
  const save = () => writing = writing.catch(() => {}).then(() => write(path, text()));
  return {
    changed() {
      if (performance.now() - last < 1500) return;
      last = performance.now();
      // What fails now fails again in flush().
      save().catch(() => {});
    },
    flush: save,
  };
}
