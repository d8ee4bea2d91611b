/** @module */
import type { Command } from "commander";

/** Options that add up. */
const REPEATABLE = new Set(["size", "trainable", "frozen", "extraOutputs", "outputs"]);

/** Makes a second value of an option an error where only one counts, for all commands. */
export function refuseRepeated(program: Command): void {
  for (const command of program.commands) {
    const seen = new Map<string, string>();
    for (const option of command.options) {
      const name = option.attributeName();
      if (REPEATABLE.has(name)) continue;
      const flag = option.long ?? option.short ?? name;
      command.on(`option:${option.name()}`, () => {
        const before = seen.get(name);
        seen.set(name, flag);
        // The same flag twice says the same; a value twice, or a flag and its opposite, do not.
        if (before === undefined || (before === flag && !option.required)) return;
        command.error(
          before === flag
            ? `error: option '${flag}' is given twice`
            : `error: options '${before}' and '${flag}' exclude each other`,
          { exitCode: 2 },
        );
      });
    }
    refuseRepeated(command);
  }
}
