import assert from "node:assert/strict";
import { NotLoaded } from "../model/not_loaded.ts";
import { families } from "./families.ts";
import { loadedRule, loadRules } from "./loaded.ts";
import { ruleFor, rules } from "./mod.ts";

const nameOf = ({ opType, domain = "" }: { opType: string; domain?: string }) =>
  domain === "" ? opType : `${domain}:${opType}`;

Deno.test("families name the operators of their files, and load their rules", async () => {
  for (const { operators, load } of families) {
    assert.deepEqual((await load()).map(nameOf).sort(), operators.split(" ").sort());
  }
});

Deno.test("loadedRule() finds what is there, names what is to be loaded, and knows no others", async () => {
  assert.equal(loadedRule("Add", ""), ruleFor("Add", ""));
  assert.equal(loadedRule("Add", "ai.onnx"), ruleFor("Add", ""));
  assert.equal(loadedRule("Frobnicate", ""), undefined);
  assert.throws(() => loadedRule("Det", "nobody") ?? loadedRule("LSTM", ""), (error: Error) => {
    assert.ok(error instanceof NotLoaded);
    assert.match(error.message, /the rule of LSTM is not loaded/);
    return true;
  });
  await loadRules(rules.map(({ opType, domain = "" }) => ({ opType, domain })));
  for (const rule of rules) {
    assert.equal(loadedRule(rule.opType, rule.domain ?? ""), rule, nameOf(rule));
  }
});
