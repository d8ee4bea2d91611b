/** The public packages' exports and their docstrings as Markdown, by TypeDoc. */
import { publicPackages } from "../../tools/_packages.ts";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Application, type ProjectReflection, ReflectionGroup, type TypeDocOptions } from "typedoc";
import type { PluginOptions } from "typedoc-plugin-markdown";

const root = join(import.meta.dirname!, "../..");

/** What can be imported, such as "@precond/core/pieces", and the source that it is. */
function entries(): Map<string, string> {
  return new Map(
    publicPackages(root).flatMap(({ directory, npm, deno }) =>
      Object.entries(deno!.exports as Record<string, string>).map(([key, file]) =>
        [npm.name! + key.slice(1), join(root, directory, file)] as const
      )
    ),
  );
}

/** How the sources are read: imports of packages lead to their sources, so that nothing need be built. */
const configuration = (found: ReadonlyMap<string, string>) => ({
  extends: join(root, "tsconfig.base.json"),
  compilerOptions: {
    composite: false,
    noEmit: true,
    typeRoots: [join(root, "node_modules/@types")],
    types: ["node"],
    paths: Object.fromEntries([...found].map(([name, file]) => [name, [file]])),
  },
  files: [...found.values()],
});

/** How a page looks: members in tables, functions beside the options that they take. */
const look: Partial<TypeDocOptions & PluginOptions> = {
  router: "module",
  flattenOutputFiles: true,
  hidePageHeader: true,
  hideBreadcrumbs: true,
  hideGroupHeadings: true,
  useCodeBlocks: true,
  useHTMLAnchors: true,
  parametersFormat: "table",
  interfacePropertiesFormat: "table",
  classPropertiesFormat: "table",
  typeDeclarationFormat: "table",
  tableColumnSettings: { hideInherited: true, hideModifiers: true, hideOverrides: true },
};

/** Names modules as they are imported, and sorts what each exports by name, whatever its kind. */
function arrange(project: ProjectReflection, names: readonly string[]): void {
  for (const [k, module] of project.children!.entries()) {
    module.name = names[k]!;
    if (!module.children) continue;
    const all = new ReflectionGroup("Exports", module);
    all.children = [...module.children].sort((a, b) =>
      a.name.localeCompare(b.name, "en", { sensitivity: "base" })
    );
    module.groups = [all];
  }
}

/**
 * The pages, by file name.
 *
 * @throws {Error} If a docstring or a type cannot be read.
 */
export async function referenceTexts(): Promise<Map<string, string>> {
  const found = entries();
  const folder = Deno.makeTempDirSync({ prefix: "precond-reference-" });
  try {
    const tsconfig = join(folder, "tsconfig.json");
    Deno.writeTextFileSync(tsconfig, JSON.stringify(configuration(found)));
    const pages = join(folder, "pages");
    const app = await Application.bootstrapWithPlugins({
      entryPoints: [...found.values()],
      tsconfig,
      plugin: ["typedoc-plugin-markdown"],
      outputs: [{ name: "markdown", path: pages }],
      readme: "none",
      logLevel: "Warn",
      excludeExternals: true,
      excludeInternal: true,
      excludePrivate: true,
      disableSources: true,
      skipErrorChecking: true, // `deno task check` does it
      sort: ["source-order"],
      sortEntryPoints: false,
      ...look,
    });
    const project = await app.convert();
    if (!project) throw new Error("Cannot make the reference: TypeDoc cannot read the packages");
    arrange(project, [...found.keys()]);
    app.validate(project);
    await app.generateOutputs(project);
    if (app.logger.hasErrors() || app.logger.hasWarnings()) {
      throw new Error("Cannot make the reference: TypeDoc says above what is wrong");
    }
    const names = readdirSync(pages);
    return new Map(names.map((name) => [name, readFileSync(join(pages, name), "utf8")]));
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}
