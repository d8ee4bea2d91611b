/**
 * Files that the example is tested with: a tiny encoder, its tokenizer, sentences of four groups.
 *
 * @module
 */
import { writeModel } from "@precond/onnx";
import { join } from "node:path";
import { type Group, sentencesOf } from "./groups.ts";
import { tinyEncoder, tinyTokenizer } from "./tiny_encoder.ts";
import { readTokens } from "./tokens.ts";

const words = {
  garden: ["rose", "tulip", "spade", "hedge", "lawn", "seed"],
  kitchen: ["pan", "oven", "knife", "flour", "salt", "soup"],
  harbour: ["boat", "anchor", "rope", "sail", "tide", "gull"],
  workshop: ["saw", "drill", "nail", "vice", "glue", "board"],
};
const shapes = [
  "the A lies beside the B",
  "where is my A and the B",
  "A with a B please",
  "I sold one A for a B",
  "no B without an A",
  "this A is a B too",
];

/** Each word is learnt in some sentences and stands in others that are held out. */
export const groups: readonly Group[] = Object.entries(words).map(([name, list]) => {
  const all = shapes.flatMap((shape, i) =>
    [0, 3].map((j) => shape.replace("A", list[(i + j) % 6]!).replace("B", list[(i + j + 2) % 6]!))
  );
  return {
    name,
    learn: all.filter((_, k) => k % 3 !== 2),
    heldOut: all.filter((_, k) => k % 3 === 2),
  };
});

/** What is tried on them. */
export const tokenizer: string = tinyTokenizer(sentencesOf(groups));
export const positions = 32;
export const vocabulary: number = readTokens(tokenizer).size;

/** Paths of the files. */
export interface Files {
  readonly model: string;
  readonly tokenizer: string;
  readonly sentences: string;
}

/** Writes the files into a folder. */
export async function writeFiles(folder: string): Promise<Files> {
  const files = {
    model: join(folder, "model.onnx"),
    tokenizer: join(folder, "tokenizer.json"),
    sentences: join(folder, "sentences.json"),
  };
  await Deno.writeFile(files.model, writeModel(tinyEncoder({ vocabulary, positions })));
  await Deno.writeTextFile(files.tokenizer, tokenizer);
  await Deno.writeTextFile(files.sentences, JSON.stringify(groups));
  return files;
}
