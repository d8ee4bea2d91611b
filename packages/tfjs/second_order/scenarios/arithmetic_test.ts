import { arithmeticCases } from "./arithmetic.ts";
import { testOps } from "./test_operations.ts";

testOps("arithmetic", arithmeticCases);
