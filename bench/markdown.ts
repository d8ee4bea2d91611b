/** @module */
import {
  type Comparison,
  type ComparisonOptions,
  comparisonsOf,
  decisive,
  overviewOf,
  type Recorded,
} from "./comparison.ts";
import { difference, markdownTable, ratio } from "./format.ts";

/** Bold is better than the rival, italic worse, plain neither. */
function cell({ finding, scale, effect }: Comparison): string {
  if (finding === "not reached") return "–";
  const text = scale === "ratio" ? ratio(effect) : difference(effect);
  return finding === "better" ? `**${text}**` : finding === "worse" ? `_${text}_` : text;
}

/**
 * Methods beside the rival on every problem, with intervals: all figures come from rows. Bold is better,
 * italic worse, plain no difference, "–" not reached by either, empty not run.
 */
export function markdownOverview(
  recorded: Recorded,
  { titles, ...options }: ComparisonOptions & { readonly titles: Readonly<Record<string, string>> },
): string {
  const { methods, places, cell: at } = overviewOf(comparisonsOf(decisive(recorded), options));
  const atSizes = (name: string) => places.filter(({ problem }) => problem === name).length > 1;
  return markdownTable(
    [
      "",
      ...places.map(({ problem, batchSize }) =>
        atSizes(problem) ? `${problem}, batches of ${batchSize}` : problem
      ),
    ],
    methods.filter((method) => titles[method] !== undefined).map((method) => [
      `\`${titles[method]}\``,
      ...places.map((place) => {
        const found = at(method, place);
        return found ? cell(found) : "";
      }),
    ]),
  );
}
