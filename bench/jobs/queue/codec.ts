/** @module */
import { Buffer } from "node:buffer";
import { deserialize, serialize } from "node:v8";
import type { Done } from "../job.ts";

/** As text, with everything that JSON loses: a loss may be NaN. Both ends run the same Deno. */
export const encode = (done: Done): string => serialize(done).toString("base64");

/** The value of {@linkcode encode}. */
export const decode = (text: string): Done => deserialize(Buffer.from(text, "base64"));
