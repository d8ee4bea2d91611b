import assert from "node:assert/strict";
import {
  combined,
  curvatureOnly,
  diagonalNewton,
  gaussNewton,
  signalNewton,
  signalSgd,
  snrOnly,
} from "../mod.ts";

/** Each option of a form at full strength, the alias that it is given to by mistake, and the form. */
const mistakes = [
  [{ from: "gradientSquares" }, "snrOnly", snrOnly, "signalSgd()", signalSgd],
  [{ memory: "adaptive" }, "snrOnly", snrOnly, "signalSgd()", signalSgd],
  [{ damping: 0.1 }, "curvatureOnly", curvatureOnly, "diagonalNewton()", diagonalNewton],
  [{ curvature: gaussNewton() }, "combined", combined, "signalNewton()", signalNewton],
  [{ first: "curvature" }, "combined", combined, "signalNewton()", signalNewton],
] as const;

for (const [options, name, alias, form, make] of mistakes) {
  const [option] = Object.keys(options);
  Deno.test(`${name}() says that ${option} is an option of ${form}`, () => {
    const message = `Cannot make ${name}: "${option}" is an option of ${form}`;
    assert.throws(() => alias(options as object), (error: Error) => {
      assert.ok(error instanceof TypeError);
      assert.ok(error.message.startsWith(message), error.message);
      return true;
    });
    make(options as object);
    alias({ [option!]: undefined });
  });
}

Deno.test("an option of another form than its own is no option, and no form is named", () => {
  const damping = { damping: 0.1 } as object, from = { from: "steps" } as object;
  assert.throws(() => snrOnly(damping), {
    message: /^Cannot make snrOnly: "damping" is no option/,
  });
  assert.throws(() => curvatureOnly(from), {
    message: /^Cannot make curvatureOnly: "from" is no option/,
  });
});
