/** @module */
import type { Random } from "../random.ts";

const people = ["ada", "noor", "the bank", "the dentist", "the school", "the library"];
const things = ["the boat", "the key", "the invoice", "two lemons", "the red book", "the gate"];
const verbs = ["call", "ask", "send", "book", "mend", "buy", "print", "return", "water"];
const places = ["phone", "mail", "shop", "home", "web", "library"];

/** Lines as one person writes them, `[x] ask ada about the key @phone !3`, so many. */
export function notes(count: number, draw: Random): string {
  const one = (list: readonly string[]) => list[draw.integer(list.length)]!;
  return Array.from({ length: count }, () => {
    const done = draw.integer(3) === 0 ? "x" : " ";
    const what = draw.integer(2) === 0 ? one(things) : `${one(people)} about ${one(things)}`;
    return `[${done}] ${one(verbs)} ${what} @${one(places)} !${1 + draw.integer(3)}\n`;
  }).join("");
}
