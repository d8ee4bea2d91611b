/**
 * The verdict of a run in ten lines, for people who know none of its terms.
 *
 * @module
 */
import {
  type Comparison,
  comparisonsOf,
  decisive,
  type Place,
  placeKey,
  placesOf,
  type Recorded,
} from "./comparison.ts";
import { difference, ratio } from "./format.ts";
import { methodNamed, methods } from "./methods.ts";
import { pairedInterval } from "./paired.ts";
import type { Problem } from "./problems/problem.ts";
import type { Row } from "./rows.ts";
import { median } from "./statistics.ts";

/** What one would use, and what for. */
const own: Readonly<Record<string, string>> = {
  combined: "Both, combined()",
  snrOnly: "Signal-to-noise alone, snrOnly()",
  curvatureOnly: "Curvature alone, curvatureOnly()",
};

const list = (words: readonly string[]) =>
  words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;

const count = (n: number, what: string) => `${n} ${what}${n === 1 ? "" : "s"}`;

/** Names of places: the problem, and what tells it from others of the same problem. */
function namer(places: readonly Place[]): (place: Place) => string {
  const differ = (key: "backend" | "batchSize", { problem }: Place) =>
    new Set(places.filter((p) => p.problem === problem).map((p) => p[key])).size > 1;
  return (place) => {
    const more = [
      ...(differ("batchSize", place) ? [`B ${place.batchSize}`] : []),
      ...(differ("backend", place) ? [place.backend] : []),
    ];
    return more.length > 0 ? `${place.problem} (${more.join(", ")})` : place.problem;
  };
}

/** Everything that the lines are about. */
interface Subject {
  readonly rows: readonly Row[];
  readonly networks: readonly Place[];
  readonly noisy: readonly Place[];
  /** Of networks, with tuned Adam: examples to the target, and the test loss at the end. */
  readonly examples: readonly Comparison[];
  readonly losses: readonly Comparison[];
  /** With Adam at its default rate. */
  readonly untuned: readonly Comparison[];
  readonly name: (place: Place) => string;
}

function subjectOf(recorded: Recorded, problems: readonly Problem[]): Subject {
  const { rows, sensitivity } = decisive(recorded);
  const find = ({ problem }: Place) => problems.find(({ name }) => name === problem);
  const onNetworks = {
    rows: rows.filter((row) => find(row)?.kind === "network"),
    sensitivity,
  };
  const networks = placesOf(onNetworks.rows);
  return {
    rows,
    networks,
    noisy: networks.filter((place) => find(place)?.noisyData),
    examples: comparisonsOf(onNetworks, { compared: "examplesToTarget" }),
    losses: comparisonsOf(onNetworks, { compared: "finalTestLoss" }),
    untuned: comparisonsOf(onNetworks, { compared: "examplesToTarget", rival: "adam-default" }),
    name: namer(networks),
  };
}

const at = (comparisons: readonly Comparison[], place: Place) =>
  comparisons.filter((c) => placeKey(c) === placeKey(place));

const of = (comparisons: readonly Comparison[], method: string) =>
  comparisons.filter((c) => c.method === method);

/** Two decimals, or two digits of what is smaller. */
const loss = (value: number) => value < 0.1 ? value.toPrecision(2) : value.toFixed(2);

/** Whoever is best among those who are better than the rival. */
function bestOf(comparisons: readonly Comparison[]): Comparison | undefined {
  return comparisons.filter(({ finding }) => finding === "better")
    .toSorted((a, b) => a.effect.middle < b.effect.middle ? -1 : 1)[0];
}

const title = (method: string) => methodNamed(method).title;

function comparedLine({ rows, networks }: Subject): string {
  const places = placesOf(rows);
  const theory = places.length - networks.length;
  const taking = methods.filter((m) => !m.oracle && rows.some(({ method }) => method === m.name));
  const seeds = new Set(rows.map(({ seed }) => seed)).size;
  return `Compared: ${count(taking.length, "optimizer")} on ${count(networks.length, "network")}` +
    (theory > 0 ? ` and ${count(theory, "problem")} where theory knows the outcome` : "") +
    `, ${count(seeds, "run")} each${seeds === 1 ? " (chance may decide one: --seeds 5)" : ""}, ` +
    "with the same data and first weights for all.";
}

const yardstick =
  "Yardstick: the host's Adam, its learning rate tuned as that of the others. 0.5× is half as many " +
  "examples as it needs until a loss fixed beforehand; in brackets, how far that could be chance.";

function theoryLine({ rows }: Subject): string | undefined {
  const predicted = rows.flatMap(({ prediction }) => prediction ? [prediction] : []);
  if (predicted.length === 0) return undefined;
  const inside = predicted.filter((prediction) => prediction.inside).length;
  return `Theory: ${inside} of ${predicted.length} predictions hold (95 % are expected to).`;
}

function firstLine({ networks, examples, name }: Subject): string {
  const parts = networks.map((place) => {
    const best = bestOf(at(examples, place));
    if (!best) return `${name(place)}: nobody before Adam`;
    return `${name(place)}: ${title(best.method)}, ${ratio(best.effect)}`;
  });
  return `First at the target: ${parts.join("; ")}.`;
}

/** What all places say of a method: each has one vote, and they are what is drawn again. */
function together(comparisons: readonly Comparison[]): string[] {
  const logs = comparisons.map(({ effect }) => Math.log(effect.middle));
  const { middle, low, high } = pairedInterval(logs);
  // Zero to any number of times says nothing.
  if (![middle, low, high].every(Number.isFinite)) return [];
  const effect = { middle: Math.exp(middle), low: Math.exp(low), high: Math.exp(high) };
  return [`on the whole ${ratio(effect)}`];
}

/** Where a method is better and worse, and by how much on the whole. */
function tally(comparisons: readonly Comparison[], name: Subject["name"]): string {
  const told = comparisons.filter(({ finding }) => finding !== "not reached");
  const where = (finding: Comparison["finding"]) =>
    comparisons.filter((c) => c.finding === finding).map(name);
  const say = (names: readonly string[], word: string) =>
    names.length === 0 ? [] : [`${word} on ${list(names)}`];
  const same = where("no difference");
  return [
    ...say(where("better"), "faster"),
    ...say(where("worse"), "slower"),
    ...say(same, "no clear difference"),
    ...say(where("not reached"), "neither gets there"),
    ...(told.length > 1 ? together(told) : []),
  ].join("; ");
}

function ownLines({ examples, name }: Subject): string[] {
  return Object.entries(own).flatMap(([method, words]) => {
    const mine = of(examples, method);
    return mine.length === 0
      ? []
      : [`${words}, nothing tuned, beside Adam tuned: ${tally(mine, name)}.`];
  });
}

function noisyLine({ rows, noisy, losses, name }: Subject): string | undefined {
  if (noisy.length === 0) return undefined;
  const lossOf = (place: Place, method: string) =>
    loss(median(
      rows.filter((row) => placeKey(row) === placeKey(place) && row.method === method)
        .map(({ finalTestLoss }) => finalTestLoss ?? Infinity),
    ));
  const parts = noisy.map((place) => {
    const best = bestOf(at(losses, place));
    if (!best) return `${name(place)}: nobody below Adam`;
    const [ours, theirs] = [lossOf(place, best.method), lossOf(place, best.rival)];
    return `${name(place)}: ${title(best.method)}, ${ours} and Adam ${theirs}, ` +
      `${difference(best.effect)}`;
  });
  return `Small, noisy data, lowest test loss at the end: ${parts.join("; ")}.`;
}

function nothingLine({ networks, examples, losses, name }: Subject): string {
  const nothing = networks.filter((place) =>
    !bestOf(at(examples, place)) && !bestOf(at(losses, place))
  );
  return nothing.length === 0
    ? "Tuned Adam is beaten on every network, in examples or in final test loss."
    : `Where nothing wins: tuned Adam is not beaten, in examples or in final test loss, on ${
      list(nothing.map(name))
    }.`;
}

function untunedLine({ untuned, name }: Subject): string | undefined {
  const mine = of(untuned, "combined");
  if (mine.length === 0) return undefined;
  return `Nobody tunes anything: combined() beside tf.train.adam() as it comes: ${
    tally(mine, name)
  }.`;
}

/** At most ten lines; those that nothing was measured for are left out. */
export function plainWords(recorded: Recorded, problems: readonly Problem[]): string[] {
  const subject = subjectOf(recorded, problems);
  if (subject.networks.length === 0) {
    return [comparedLine(subject), theoryLine(subject)].filter((line) => line !== undefined);
  }
  const beside = subject.examples.length > 0;
  return [
    comparedLine(subject),
    ...(beside ? [yardstick] : []),
    theoryLine(subject),
    ...(beside ? [firstLine(subject), ...ownLines(subject), noisyLine(subject)] : []),
    ...(beside ? [nothingLine(subject)] : []),
    untunedLine(subject),
  ].filter((line) => line !== undefined);
}
