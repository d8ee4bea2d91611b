import assert from "node:assert/strict";
import { allOptions, optionsOf, optionsPage, page, withoutDefault } from "./options.ts";

const all = await allOptions();
/** `deno fmt` breaks lines anew and pads tables. */
const words = (text: string) => text.replace(/-{2,}/g, "-").split(/\s+/);

for (const [name, options] of all) {
  Deno.test(`${name}: every option that may be left out says its default`, () => {
    assert.deepEqual(withoutDefault(options), []);
  });
}

Deno.test("there are options to look at", () => {
  assert.ok(all.flatMap(([, options]) => options).length > 50);
});

Deno.test("docs/options.md says what the docstrings say", async () => {
  assert.deepEqual(
    words(await Deno.readTextFile(page)),
    words(optionsPage(all)),
    "docs/options.md is out of date: deno task options:write",
  );
});

/** What `deno doc --json` says of a module with these declarations. */
function moduleOf(...declarations: { name: string; kind: string; doc?: string; def: object }[]) {
  const symbols = declarations.map(({ name, doc, ...rest }) => ({
    name,
    declarations: [{ ...rest, declarationKind: "export", jsDoc: { doc } }],
  }));
  return JSON.stringify({ nodes: { "file:///mod.ts": { symbols } } });
}
const property = (name: string, doc: string) => ({ name, optional: true, jsDoc: { doc } });
const module = moduleOf(
  {
    name: "BaseOptions",
    kind: "interface",
    def: {
      properties: [
        property("learningRate", "A number. Each alias says its default."),
        property("decay", "Default 0.9."),
      ],
    },
  },
  {
    name: "FallOptions",
    kind: "interface",
    def: {
      extends: [{ repr: "BaseOptions" }],
      properties: [property("decay", "Default 0.99.\n\nMore."), property("bound", "A bound.")],
    },
  },
  {
    name: "fall",
    kind: "function",
    doc: "Falls. Default η 0.5, as ever.",
    def: { params: [{ left: { tsType: { repr: "FallOptions" } } }] },
  },
);

Deno.test("optionsOf() gives a function its options, inherited ones too, and its own rate", () => {
  assert.deepEqual(optionsOf(module), [{
    interface: "FallOptions",
    title: "fall()",
    options: [
      { name: "decay", optional: true, text: "Default 0.99." },
      { name: "bound", optional: true, text: "A bound." },
      { name: "learningRate", optional: true, text: "A number. Default 0.5." },
    ],
  }]);
});

Deno.test("withoutDefault() names the options that do not say theirs", () => {
  assert.deepEqual(withoutDefault(optionsOf(module)), ["FallOptions.bound"]);
});
