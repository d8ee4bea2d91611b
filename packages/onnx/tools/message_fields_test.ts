import assert from "node:assert/strict";
import { fieldsFile } from "./message_fields.ts";

Deno.test("the fields of messages are those of onnx.proto", () => {
  const { path, current, expected } = fieldsFile();
  assert.equal(current, expected, `${path.pathname} is out of date: deno task proto:write`);
});
