/** @module */

/** The page's own style sheet: nothing is loaded from anywhere. */
export const style: string = `
:root { color-scheme: light; --ink: #20252c; --soft: #5d6673; --line: #e3e7ec; --paper: #fff; }
* { box-sizing: border-box; }
body { margin: 0; background: #f5f6f8; color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 1180px; margin: 0 auto; padding: 32px 20px 64px; }
h1 { font-size: 28px; line-height: 1.2; margin: 0 0 12px; }
h2 { font-size: 20px; margin: 44px 0 6px; }
h3 { font-size: 15px; margin: 0 0 2px; }
p { margin: 6px 0; max-width: 76ch; }
.lead { font-size: 16px; }
.soft, figcaption, .about { color: var(--soft); font-size: 13px; }
.card { background: var(--paper); border: 1px solid var(--line); border-radius: 10px;
  padding: 16px 18px; margin: 14px 0; }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(320px, 1fr)); gap: 14px 22px; }
.charts.four { grid-template-columns: repeat(auto-fill, minmax(min(440px, 100%), 1fr)); }
figure { margin: 8px 0 0; }
figure svg { width: 100%; height: auto; display: block; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 16px; margin: 10px 0 4px; font-size: 13px; }
.legend i { display: inline-block; width: 18px; height: 0; border-top: 3px solid; margin-right: 6px;
  vertical-align: middle; }
.legend i.dashed { border-top-style: dashed; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 13px; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: 4px 12px 4px 0; border-bottom: 1px solid var(--line);
  vertical-align: top; }
th { font-weight: 600; color: var(--soft); white-space: nowrap; }
td:first-child { white-space: nowrap; }
tr:last-child td { border-bottom: 0; }
details { margin: 12px 0 0; } summary { cursor: pointer; color: var(--soft); font-size: 13px; }
.no { color: #b3261e; font-weight: 600; } .yes { color: #1a7f55; }
code { background: #eceff3; border-radius: 4px; padding: 1px 5px; font-size: 12.5px;
  overflow-wrap: anywhere; }
.warn { border-left: 4px solid #e08a00; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 2px 18px; margin: 8px 0; font-size: 13px; }
dt { color: var(--soft); } dd { margin: 0; }
`;
