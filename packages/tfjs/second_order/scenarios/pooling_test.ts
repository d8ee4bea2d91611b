import { poolingCases } from "./pooling.ts";
import { testOps } from "./test_operations.ts";

testOps("images", poolingCases);
