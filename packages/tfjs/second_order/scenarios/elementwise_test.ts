import { elementwiseCases } from "./elementwise.ts";
import { testOps } from "./test_operations.ts";

testOps("elementwise", elementwiseCases, ["logSoftmax__op"]);
