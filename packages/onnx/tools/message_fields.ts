/**
 * Writes what of `onnx.proto` is asked of files before they are decoded: number, kind and name of
 * each field.
 *
 * @module
 */
const SCHEMA = new URL("../proto/onnx.proto", import.meta.url);
const MODULE = new URL("../proto/fields.ts", import.meta.url);

/** Kinds of scalars by how they are written: varint, 64 or 32 bits, string, bytes. */
const KINDS: Readonly<Record<string, string>> = {
  int32: "v",
  int64: "v",
  uint64: "v",
  double: "d",
  float: "f",
  string: "s",
  bytes: "b",
};

const HEAD = `// Made by \`deno task proto:write\` from onnx.proto.
/**
 * The fields of each message: number, kind and name. Kinds are varints \`v\`, numbers of 64 bits \`d\`
 * and of 32 bits \`f\`, strings \`s\`, bytes \`b\` and messages, by name; a \`*\` follows what is repeated.
 */
`;

function fieldsModule(schema: string): string {
  const messages = new Map<string, string[]>();
  const open: string[] = [];
  for (const line of schema.split("\n")) {
    const message = /^\s*(message|oneof) (\w+) \{/.exec(line);
    const field = /^\s*(?:(repeated|optional) )?(\w+) (\w+) = (\d+)[ ;]/.exec(line);
    if (message !== null) {
      // A oneof has no number of its own: its fields are those of the message.
      open.push(message[1] === "oneof" ? open.at(-1)! : message[2]!);
      if (message[1] === "message") messages.set(message[2]!, []);
    } else if (field !== null) {
      const [, label, type, name, number] = field;
      const kind = `${KINDS[type!] ?? type}${label === "repeated" ? "*" : ""}`;
      messages.get(open.at(-1)!)!.push(`${number} ${kind} ${name}`);
    } else if (/^\s*\}/.test(line)) open.pop();
  }
  const rows = [...messages].map(([name, fields]) => {
    const text = `"${fields.join(",")}",\n`;
    // As `deno fmt` has it.
    return `  ${name}:${name.length + text.length > 97 ? "\n   " : ""} ${text}`;
  });
  return `${HEAD}export const FIELDS: Readonly<Record<string, string>> = {\n${rows.join("")}};\n`;
}

/** The file of the fields, with its contents now and as they should be. */
export function fieldsFile(): { path: URL; current: string; expected: string } {
  return {
    path: MODULE,
    current: Deno.readTextFileSync(MODULE),
    expected: fieldsModule(Deno.readTextFileSync(SCHEMA)),
  };
}

if (import.meta.main) Deno.writeTextFileSync(MODULE, fieldsModule(Deno.readTextFileSync(SCHEMA)));
