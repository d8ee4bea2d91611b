import { elementwiseCases } from "./elementwise/_testing.ts";
import { testOps } from "./tested/_testing.ts";

testOps("elementwise", elementwiseCases, ["logSoftmax__op"]);
