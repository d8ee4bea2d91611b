/**
 * Installs the npm packages if they are missing or are not those of package-lock.json, then runs a
 * task. Imports built-ins only: it is what runs when nothing is installed yet.
 */
import { dirname, join } from "node:path";

const root = dirname(import.meta.dirname!);

interface Lock {
  packages: Record<string, {
    version?: string;
    integrity?: string;
    optional?: boolean;
    devOptional?: boolean;
  }>;
}

function readLock(path: string): Lock | undefined {
  try {
    return JSON.parse(Deno.readTextFileSync(path));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Says why the packages installed in `directory` are not the locked ones; undefined if they are. */
export function staleness(directory: string): string | undefined {
  const locked = readLock(join(directory, "package-lock.json"));
  if (!locked) return undefined;
  // npm's own record of what it installed, so that a plain `npm install` counts as well.
  const installed = readLock(join(directory, "node_modules", ".package-lock.json"));
  if (!installed) return "node_modules is missing";
  for (const [path, wanted] of Object.entries(locked.packages)) {
    if (!path.includes("node_modules/")) continue;
    const found = installed.packages[path];
    // Optional packages are left out where they do not fit the platform.
    if (!found && (wanted.optional || wanted.devOptional)) continue;
    if (!found) return `${path} is missing`;
    if (found.version !== wanted.version || found.integrity !== wanted.integrity) {
      return `${path} is ${found.version}, package-lock.json has ${wanted.version}`;
    }
  }
  return undefined;
}

async function install(reason: string): Promise<void> {
  console.error(`Installing npm packages (npm ci): ${reason}`);
  const npm = Deno.build.os === "windows" ? "npm.cmd" : "npm";
  // NODE_ENV=production would leave out the development packages.
  const command = new Deno.Command(npm, {
    args: ["ci", "--include=dev", "--no-audit", "--no-fund"],
    cwd: root,
    stdout: "piped",
  });
  let child: Deno.ChildProcess;
  try {
    child = command.spawn();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    console.error(
      "Cannot install npm packages: npm is not on the PATH, Node.js 20 or newer has it",
    );
    Deno.exit(1);
  }
  // The task's stdout may be read by a program, npm's report is not part of it.
  await child.stdout.pipeTo(Deno.stderr.writable, { preventClose: true });
  const { code } = await child.status;
  if (code !== 0) {
    console.error(`Cannot install npm packages: npm ci exited with ${code}`);
    Deno.exit(code);
  }
}

if (import.meta.main) {
  const reason = staleness(root);
  if (reason) await install(reason);

  const task = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", join(root, "tools", "task.ts"), ...Deno.args],
    cwd: root,
  }).spawn();
  Deno.exit((await task.status).code);
}
