import { convolutionCases } from "./convolution.ts";
import { testOps } from "./test_operations.ts";

testOps("products", convolutionCases, [
  "fusedMatMul__op",
  "fusedConv2d__op",
  "fusedDepthwiseConv2d__op",
]);
