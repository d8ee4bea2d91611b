import assert from "node:assert/strict";
import { tally } from "./_tally.ts";

const report = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="deno test" tests="7" failures="2" errors="0" time="0.034">
    <testsuite name="./a_test.ts" tests="7" disabled="1" errors="0" failures="2">
        <testcase name="x &gt; 0" classname="./a_test.ts" time="0.002" line="1" col="6">
        </testcase>
        <testcase name="has steps" classname="./a_test.ts" time="0.001" line="4" col="6">
            <failure message="1 test step failed">1 test step failed.</failure>
        </testcase>
        <testcase name="not run" classname="./a_test.ts" time="0.000" line="3" col="6">
            <skipped/>
        </testcase>
        <testcase name="has steps &gt; first" classname="./a_test.ts" time="0.000" line="4" col="44">
            <failure message="Uncaught">&lt;testcase name="no"&gt;</failure>
        </testcase>
    </testsuite>
    <testsuite name="./b_test.ts" tests="1" disabled="0" errors="0" failures="0">
        <testcase name="has steps &gt; second" classname="./b_test.ts" time="0.000" line="4" col="44">
        </testcase>
    </testsuite>
</testsuites>`;

Deno.test("tally() counts tests, not steps, and leaves out ignored ones", () => {
  // passed: "x > 0" and the test of b_test.ts; failed: "has steps"
  assert.deepEqual(tally(report, 1), { passed: 2, failed: 1 });
});

Deno.test("tally() counts a run that broke before its tests as one failure", () => {
  assert.deepEqual(tally("", 1), { passed: 0, failed: 1 });
  assert.deepEqual(tally("", 0), { passed: 0, failed: 0 });
});
