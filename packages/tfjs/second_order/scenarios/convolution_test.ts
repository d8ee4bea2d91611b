import { convolutionCases } from "./convolution/_testing.ts";
import { testOps } from "./tested/_testing.ts";

testOps("products", convolutionCases, [
  "fusedMatMul__op",
  "fusedConv2d__op",
  "fusedDepthwiseConv2d__op",
]);
