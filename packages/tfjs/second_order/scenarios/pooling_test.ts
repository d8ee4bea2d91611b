import { poolingCases } from "./pooling/_testing.ts";
import { testOps } from "./tested/_testing.ts";

testOps("images", poolingCases);
