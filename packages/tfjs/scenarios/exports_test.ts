import { checkExports } from "@precond/testing";
import * as all from "../mod.ts";

Deno.test("@precond/tfjs gives everything of core that people train with, under the same names", () => {
  checkExports(all);
});
