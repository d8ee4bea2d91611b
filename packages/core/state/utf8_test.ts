import assert from "node:assert/strict";
import { decodeUtf8, encodeUtf8 } from "./utf8.ts";

/** What `run` gives where the engine has neither class. */
function without<T>(run: () => T): T {
  const { TextDecoder, TextEncoder } = globalThis;
  try {
    Object.assign(globalThis, { TextDecoder: undefined, TextEncoder: undefined });
    return run();
  } finally {
    Object.assign(globalThis, { TextDecoder, TextEncoder });
  }
}

Deno.test("text is the same bytes with and without the engine's classes", () => {
  for (const text of ["", "plain", 'a%20"ß∞\u0000', "𝄞 日本語", '{"w::m":[1,2]}']) {
    const bytes = encodeUtf8(text);
    assert.deepEqual(without(() => encodeUtf8(text)), bytes);
    assert.equal(decodeUtf8(bytes), text);
    assert.equal(without(() => decodeUtf8(bytes)), text);
  }
});

Deno.test("bytes that are no UTF-8 are refused either way", () => {
  const bytes = Uint8Array.of(0xc3, 0x28);
  assert.throws(() => decodeUtf8(bytes));
  assert.throws(() => without(() => decodeUtf8(bytes)));
});
