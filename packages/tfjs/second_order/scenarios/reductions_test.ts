import { reductionsCases } from "./reductions/_testing.ts";
import { testOps } from "./tested/_testing.ts";

testOps("reductions", reductionsCases);
