import type { CsvPoints } from "../data/csv.ts";
import { digitsTask } from "../data/digits.ts";
import type { Task } from "../data/examples.ts";
import {
  fewestPoints,
  type LabelledPoints,
  moons,
  ownTask,
  planeTask,
  spirals,
} from "../data/plane.ts";
import type { Settings } from "./settings.ts";

/** What the visitor has brought. */
export interface Brought {
  readonly drawn: LabelledPoints;
  readonly file?: CsvPoints;
}

/**
 * The task that the settings ask for.
 *
 * @throws {Error} If the visitor's data are missing or too few.
 */
export function makeTask(settings: Settings, { drawn, file }: Brought): Task {
  switch (settings.data) {
    case "moons":
      return planeTask(moons, settings);
    case "spirals":
      return planeTask(spirals, settings);
    case "digits":
      return digitsTask(settings);
    case "file":
      if (!file) throw new Error("Cannot train yet: choose a CSV file below Data");
      return ownTask(file, settings);
    case "drawn": {
      const { labels } = drawn;
      if (labels.length < fewestPoints || new Set(labels).size < 2) {
        throw new Error(
          `Cannot train yet: ${labels.length} points are drawn; set at least ${fewestPoints}, of at ` +
            "least two colours",
        );
      }
      return ownTask(drawn, settings);
    }
  }
}
