/** @module */
import { colourVariables } from "./palette.ts";

const light = `--ink: #1d232b; --soft: #56606d; --line: #e3e7ec; --edge: #b9c1cb; --paper: #fff;
  --desk: #f4f5f7; --code: #eceff3; --link: #1d58c4; --better: #2a6fdb; --worse: #d9730d;
  --warn: #b25e00; --yes: #17724d; --no: #b3261e;`;
const dark = `--ink: #e7ebf0; --soft: #a9b3c0; --line: #313842; --edge: #566170; --paper: #1b2027;
  --desk: #12161b; --code: #2a313a; --link: #8db8ff; --better: #5a9bff; --worse: #ff9d3f;
  --warn: #ffb454; --yes: #6ed3a4; --no: #ff8a80;`;

/** The page's own style sheet: nothing is loaded from anywhere. */
export const style: string = `
:root { color-scheme: light; ${light} ${colourVariables("light")} }
@media screen and (prefers-color-scheme: dark) {
  :root { color-scheme: dark; ${dark} ${colourVariables("dark")} }
}
* { box-sizing: border-box; }
html { scroll-padding-top: 60px; -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--desk); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
a { color: var(--link); }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; border-radius: 3px; }
.skip { position: absolute; left: -999px; } .skip:focus { left: 8px; top: 8px; z-index: 9;
  background: var(--paper); padding: 6px 10px; }
.page { max-width: 1320px; margin: 0 auto; display: grid; grid-template-columns: 220px minmax(0, 1fr);
  gap: 0 28px; padding: 0 20px 64px; }
main { min-width: 0; }
nav ul { list-style: none; margin: 0; padding: 0; } nav ul ul { padding-left: 10px; }
nav a { display: block; padding: 3px 8px; border-radius: 6px; color: var(--soft); text-decoration: none;
  font-size: 13px; line-height: 1.35; } nav a:hover { background: var(--code); color: var(--ink); }
nav a[aria-current] { color: var(--ink); background: var(--code); font-weight: 600; }
nav.side { position: sticky; top: 0; max-height: 100vh; overflow-y: auto; padding: 24px 0; align-self: start; }
nav.top { display: none; }
h1 { font-size: 28px; line-height: 1.2; margin: 28px 0 10px; }
h2 { font-size: 21px; line-height: 1.25; margin: 44px 0 6px; }
h3 { font-size: 16px; line-height: 1.3; margin: 0 0 2px; }
p { margin: 6px 0; max-width: 76ch; }
.soft, figcaption, .about { color: var(--soft); font-size: 13px; }
figcaption b { color: var(--ink); }
.card { background: var(--paper); border: 1px solid var(--line); border-radius: 10px;
  padding: 14px 16px; margin: 14px 0; }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(316px, 1fr)); gap: 16px 20px; }
figure { margin: 8px 0 0; min-width: 0; }
figure svg { width: 100%; min-width: 316px; max-width: 400px; height: auto; display: block;
  font: 12px system-ui, sans-serif; }
.charts figure, .beside figure { overflow-x: auto; }
.matrix table { width: auto; border-collapse: separate; border-spacing: 3px; }
.matrix th, .matrix td { border: 0; }
.matrix thead th { min-width: 88px; max-width: 120px; white-space: normal; vertical-align: bottom;
  font-weight: 500; line-height: 1.25; padding: 2px 4px; }
.matrix thead a { color: inherit; }
.matrix th:first-child { position: sticky; left: 0; z-index: 1; background: var(--paper);
  max-width: 190px; white-space: normal; padding: 3px 8px 3px 0; line-height: 1.3; color: var(--ink); }
.matrix th.family { color: var(--soft); font-weight: 600; font-size: 12px; padding-top: 10px; }
.matrix td[colspan] { height: 0; } .beside { display: grid; gap: 8px 24px;
  grid-template-columns: repeat(auto-fit, minmax(min(316px, 100%), 1fr)); }
.matrix td { padding: 0; text-align: center; border-radius: 5px; height: 44px; min-width: 88px; }
.matrix td a { display: block; padding: 3px 4px; color: inherit; text-decoration: none; border-radius: 5px; }
.matrix td a:hover { outline: 2px solid var(--edge); }
.matrix b { font-weight: 600; white-space: nowrap; } .matrix i { font-style: normal; }
small { display: block; font-size: 12px; color: inherit; font-weight: 400; white-space: nowrap;
  font-variant-numeric: tabular-nums; line-height: 1.25; }
th small { color: var(--soft); } td.same, td.none { color: var(--soft); }
td.same { background: var(--code); }
.better { --tint: var(--better); } .worse { --tint: var(--worse); }
.s1 { background: color-mix(in srgb, var(--tint) 13%, var(--paper)); }
.s2 { background: color-mix(in srgb, var(--tint) 26%, var(--paper)); }
.s3 { background: color-mix(in srgb, var(--tint) 42%, var(--paper)); }
.keys { display: flex; flex-wrap: wrap; gap: 6px 14px; font-size: 13px; }
.keys span { padding: 1px 8px; border-radius: 5px; } .keys .same, .keys .none { background: var(--code); }
.legend { display: flex; flex-wrap: wrap; gap: 4px 6px; margin: 10px 0 4px; }
.legend button { display: inline-flex; align-items: center; gap: 6px; min-height: 28px; padding: 2px 8px;
  border: 1px solid var(--line); border-radius: 14px; background: none; color: var(--ink);
  font: inherit; font-size: 13px; cursor: pointer; }
.legend button[aria-pressed=true] { border-color: var(--ink); background: var(--code); }
.legend svg { width: 26px; height: 8px; }
.faint { opacity: .09; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 13px; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: 4px 12px 4px 0; border-bottom: 1px solid var(--line);
  vertical-align: top; }
th { font-weight: 600; color: var(--soft); white-space: nowrap; }
.numbers td, .rows td { white-space: nowrap; } tbody th { color: var(--ink); font-weight: 400; }
tr:last-child > * { border-bottom: 0; }
.words td:first-child { min-width: 150px; } .words td { min-width: 210px; }
details { margin: 10px 0 0; } summary { cursor: pointer; color: var(--link); font-size: 13px; padding: 4px 0; }
.csv { margin: 8px 0 0; font: inherit; font-size: 13px; color: var(--link); background: none;
  border: 1px solid var(--edge); border-radius: 6px; padding: 4px 10px; cursor: pointer; }
.no { color: var(--no); font-weight: 600; } .yes { color: var(--yes); }
code { background: var(--code); border-radius: 4px; padding: 1px 5px; font-size: 13px;
  overflow-wrap: anywhere; }
.warn { border-left: 4px solid var(--warn); }
dl { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 4px 18px; margin: 8px 0;
  font-size: 13px; } dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
#tip { position: fixed; z-index: 8; max-width: min(320px, calc(100vw - 24px)); padding: 6px 10px;
  border-radius: 6px; background: var(--ink); color: var(--paper); font-size: 13px; line-height: 1.4;
  pointer-events: none; }
@media (max-width: 1000px) {
  .page { display: block; padding: 0 12px 48px; }
  nav.side { display: none; }
  nav.top { display: block; position: sticky; top: 0; z-index: 5; margin: 0 -12px; padding: 0 12px;
    background: var(--paper); border-bottom: 1px solid var(--line); }
  nav.top details { margin: 0; } nav.top summary { padding: 11px 0; font-size: 15px; color: var(--ink); }
  nav.top ul { max-height: 70vh; overflow-y: auto; } nav.top ul ul { max-height: none; }
  nav.top a { padding: 9px 8px; font-size: 14px; }
  h1 { font-size: 24px; margin-top: 18px; } h2 { font-size: 19px; margin-top: 34px; }
  .card { padding: 12px; margin: 12px -4px; }
  .matrix th:first-child { max-width: 118px; font-size: 12px; }
  .matrix thead th, .matrix td { min-width: 84px; }
  .legend button { min-height: 34px; }
  dl { grid-template-columns: minmax(0, 1fr); } dt { margin-top: 6px; }
}
@media print {
  body { background: none; font-size: 11pt; } nav, .skip, .legend button::after, .csv, #tip { display: none !important; }
  .page { display: block; padding: 0; } .card { break-inside: avoid; } .scroll { overflow: visible; }
  figure, tr { break-inside: avoid; } .matrix td, .keys span { print-color-adjust: exact; }
}
`;
