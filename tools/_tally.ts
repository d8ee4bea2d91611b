/** How many tests passed and failed. */
export interface Tally {
  readonly passed: number;
  readonly failed: number;
}

/**
 * Counts the tests in the JUnit report of one `deno test`; steps belong to their test.
 *
 * A run that ended badly without a failed test (a type error, an uncaught error) is one failure.
 */
export function tally(report: string, exitCode: number): Tally {
  let passed = 0, failed = 0;
  for (const suite of report.split("<testsuite ").slice(1)) {
    const tests = new Set<string>();
    const cases = suite.matchAll(/<testcase name="([^"]*)"[^>]*>\s*(<failure|<error|<skipped)?/g);
    for (const [, name, outcome] of cases) {
      if (isStep(name!, tests)) continue;
      tests.add(name!);
      if (!outcome) passed++;
      else if (outcome !== "<skipped") failed++;
    }
  }
  return { passed, failed: failed === 0 && exitCode !== 0 ? 1 : failed };
}

/** Deno reports the step "b" of the test "a" after it, as the test case "a > b". */
function isStep(name: string, tests: ReadonlySet<string>): boolean {
  const parts = name.split(" &gt; ");
  return parts.slice(1).some((_, i) => tests.has(parts.slice(0, i + 1).join(" &gt; ")));
}
