import { reductionsCases } from "./reductions.ts";
import { testOps } from "./test_operations.ts";

testOps("reductions", reductionsCases);
