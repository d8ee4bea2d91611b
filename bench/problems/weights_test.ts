import assert from "node:assert/strict";
import { multilayer } from "./layers.ts";
import { averageWeights, flatten, placeWeights } from "./weights.ts";

const network = multilayer([2, 3, 1], "binary");

Deno.test("averageWeights() counts a client as often as it has examples", () => {
  const one = [Float32Array.of(1, 2), Float32Array.of(0)];
  const other = [Float32Array.of(5, -2), Float32Array.of(8)];
  // (1·1 + 3·5)/4, (1·2 − 3·2)/4; (0 + 3·8)/4
  assert.deepEqual(averageWeights([one, other], [1, 3]), [
    Float32Array.of(4, -1),
    Float32Array.of(6),
  ]);
});

Deno.test("averageWeights() of one client, or of equal ones, changes nothing", () => {
  const weights = flatten(placeWeights({ network, seed: 1 }));
  assert.deepEqual(averageWeights([weights], [7]), weights);
  assert.deepEqual(averageWeights([weights, weights, weights], [1, 2, 4]), weights);
});

Deno.test("averageWeights() refuses other networks and counts", () => {
  const weights = flatten(placeWeights({ network, seed: 1 }));
  assert.throws(
    () => averageWeights([weights, weights.slice(1)], [1, 1]),
    /^TypeError: Cannot average with weights of another network: expected arrays of 6, 3, 3, 1 numbers, given are 3, 3, 1$/,
  );
  assert.throws(() => averageWeights([weights], [1, 2]), /weights of 1 clients with 2 counts/);
});

Deno.test("placeWeights() starts with the weights given, and refuses those of another network", () => {
  const weights = flatten(placeWeights({ network, seed: 1 }));
  assert.deepEqual(flatten(placeWeights({ network, seed: 2, weights })), weights);
  assert.notDeepEqual(flatten(placeWeights({ network, seed: 2 })), weights);
  const other = { network: multilayer([2, 4, 1], "binary"), seed: 1, weights };
  assert.throws(() => placeWeights(other), /Cannot start with weights of another network/);
});
