import { shapesCases } from "./shapes.ts";
import { testOps } from "./test_operations.ts";

testOps("shapes", shapesCases);
