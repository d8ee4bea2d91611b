import { root } from "./_run.ts";

/** What `deno test` prints beside results. */
const reminder = /'([^'\n]*)' has been running for over/;

/** Longer than any test takes, also where the machine is busy. */
const QUIET = 20 * 60_000;

/**
 * Runs tests on this process's stdout and stderr and resolves to the exit code. If for `quiet`
 * milliseconds none finishes, so that nothing but reminders is printed, it says so and ends them.
 */
export async function runTests(
  command: string,
  args: readonly string[],
  quiet: number = QUIET,
): Promise<number> {
  const child = new Deno.Command(command, {
    ...{ args: [...args], cwd: root, stdout: "piped", stderr: "piped" },
  }).spawn();
  let running = "", ended = false;
  const end = () => {
    ended = true;
    const named = running && `; still running: "${running}"`;
    console.error(`\nCannot go on: no test has finished for ${quiet / 60_000} minutes${named}`);
    child.kill("SIGINT"); // at which Deno names those that are pending
    timer = setTimeout(() => child.kill("SIGKILL"), Math.min(quiet, 30_000));
  };
  let timer = setTimeout(end, quiet);
  const pass = async (from: ReadableStream<Uint8Array>, to: typeof Deno.stdout) => {
    for await (const chunk of from) {
      const named = reminder.exec(new TextDecoder().decode(chunk))?.[1];
      if (named !== undefined) running = named;
      else if (!ended) {
        clearTimeout(timer);
        timer = setTimeout(end, quiet);
      }
      for (let done = 0; done < chunk.length;) done += await to.write(chunk.subarray(done));
    }
  };
  const passing = Promise.all([pass(child.stdout, Deno.stdout), pass(child.stderr, Deno.stderr)]);
  const { code } = await child.status;
  clearTimeout(timer);
  // A browser that it leaves may hold the other ends.
  if (!ended) await passing;
  return code;
}
