import { arithmeticCases } from "./arithmetic/_testing.ts";
import { testOps } from "./tested/_testing.ts";

testOps("arithmetic", arithmeticCases);
