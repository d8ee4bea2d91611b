import { shapesCases } from "./shapes/_testing.ts";
import { testOps } from "./tested/_testing.ts";

testOps("shapes", shapesCases);
