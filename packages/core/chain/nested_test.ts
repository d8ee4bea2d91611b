/** A chain among the parts of another stands for its own, wherever it stands. */
import assert from "node:assert/strict";
import { stringifyDefinition } from "../backend.ts";
import * as core from "../mod.ts";
import { inverseRms } from "../pieces.ts";

const { adam, chain, clipByGlobalNorm, inBasis, kronecker, learningRate, momentum } = core;
const rms = () => core.scaleBy(inverseRms());
const everything = () => true;

const same: Record<string, [nested: () => core.Definition, flat: () => core.Definition]> = {
  "a chain first": [
    () => chain(chain(rms(), momentum()), learningRate(0.1)),
    () => chain(rms(), momentum(), learningRate(0.1)),
  ],
  "an alias last, as in optax": [
    () => chain(clipByGlobalNorm(1), adam()),
    () => chain(clipByGlobalNorm(1), ...adam().parts),
  ],
  "an alias first, and two learning rates": [
    () => chain(adam({ learningRate: 2 }), learningRate(0.5)),
    () => chain(adam().parts[0]!, learningRate(2), learningRate(0.5)),
  ],
  "two levels, and a chain of nothing": [
    () => chain(chain(chain(rms()), chain()), learningRate(0.1)),
    () => chain(rms(), learningRate(0.1)),
  ],
  "stages of the same name": [
    () => chain(chain(momentum()), chain(momentum()), learningRate(0.1)),
    () => chain(momentum(), momentum(), learningRate(0.1)),
  ],
  "a chain in a basis": [
    () => chain(inBasis(kronecker(), chain(rms(), momentum())), learningRate(0.1)),
    () => chain(inBasis(kronecker(), rms(), momentum()), learningRate(0.1)),
  ],
  "a chain with a basis": [
    () => chain(clipByGlobalNorm(1), core.combined()),
    () => chain(clipByGlobalNorm(1), ...core.combined().parts),
  ],
  "in a group": [
    () => core.perParameter([{ match: "w", chain: chain(clipByGlobalNorm(1), adam()) }]),
    () => core.perParameter([{ match: "w", chain: chain(clipByGlobalNorm(1), ...adam().parts) }]),
  ],
};

for (const [name, [nested, flat]] of Object.entries(same)) {
  Deno.test(`chains in chains are flat: ${name}`, () => {
    assert.equal(stringifyDefinition(nested()), stringifyDefinition(flat()));
    const slots = (made: core.Definition) =>
      ("groups" in made ? made.groups.map(({ chain }) => chain) : [made])
        .map(({ signature, slots, needs }) => ({ signature, slots, needs }));
    assert.deepEqual(slots(nested()), slots(flat()));
  });
}

const groups = () => core.perParameter([{ match: everything, chain: adam() }]);
const refused: [make: () => unknown, message: RegExp][] = [
  [() => chain([momentum()] as never), /chain\(\.\.\.transforms\)$/],
  [() => chain(groups() as never), /it goes around the chains of its groups$/],
  [
    () => core.perParameter([{ match: everything, chain: groups() as never }]),
    /chain must be a chain such as adam\(\), current value is an object; .*own groups/,
  ],
  [
    () => core.perParameter([{ match: everything, chain: momentum() as never }]),
    /write chain\(momentum\(…\)\)$/,
  ],
  [
    () => core.scaleBy(inverseRms(), { to: chain(momentum()) as never }),
    /give one transform alone; a chain goes into chain\(\)$/,
  ],
  [() => inBasis(kronecker(), core.combined()), /a basis cannot stand in another one/],
  [() => inBasis(kronecker(), groups() as never), /it goes around the chains of its groups$/],
  [() => chain(core.combined(), core.combined()), /at most one inBasis\(\)/],
];

for (const [make, message] of refused) {
  Deno.test(`what cannot be nested is refused with what to write: ${message.source}`, () => {
    assert.throws(make, { name: "TypeError", message });
  });
}
