"""The look of the page: dark on light, system fonts, one column on a telephone, and paper that parts where it should."""

from __future__ import annotations

STYLE = """
:root { --ink: #1b2430; --soft: #51606f; --line: #d5dce3; --wash: #f4f7fa; --blue: #1d5fa6; --good: #1a6b3c; --warn: #8a5300;
  --bad: #a32020; }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: #fff; color: var(--ink); line-height: 1.5;
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue",
    "Noto Sans", "Liberation Sans", Arial, sans-serif; }
main, header, footer { max-width: 1120px; margin: 0 auto; padding: 0 20px; }
header { padding-top: 28px; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 4px; overflow-wrap: anywhere; }
h2 { font-size: 1.3rem; line-height: 1.25; margin: 0 0 8px; }
h3 { font-size: 1rem; margin: 0 0 6px; }
p { margin: 0 0 12px; max-width: 78ch; }
ul { margin: 0 0 12px; padding-left: 1.25em; max-width: 78ch; }
.sub, .note, figcaption, .ci { color: var(--soft); }
.note, figcaption { font-size: .875rem; }
.ci { font-size: .85em; white-space: nowrap; }
a { color: var(--blue); }
.verdict { border-left: 6px solid var(--soft); background: var(--wash); padding: 14px 18px; margin: 18px 0;
  border-radius: 0 6px 6px 0; }
.verdict p { margin: 6px 0 0; max-width: none; }
.verdict .word { font-weight: 700; font-size: 1.15rem; }
.publish { border-color: var(--good); } .publish .word { color: var(--good); }
.weak { border-color: var(--warn); } .weak .word { color: var(--warn); }
.none { border-color: var(--bad); } .none .word { color: var(--bad); }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px; margin: 0 0 20px; padding: 0; }
.cards div { border: 1px solid var(--line); border-radius: 6px; padding: 10px 12px; }
.cards dt { font-size: .85rem; color: var(--soft); line-height: 1.3; }
.cards dd { margin: 4px 0 0; font-size: 1.35rem; font-weight: 650; line-height: 1.2; font-variant-numeric: tabular-nums; }
.cards dd .ci { display: block; font-size: .8rem; font-weight: 400; margin-top: 3px; }
nav { max-width: 1080px; margin: 0 auto; border-top: 1px solid var(--line); border-bottom: 1px solid var(--line);
  padding: 8px 0; font-size: .9rem; }
nav a { margin-right: 14px; display: inline-block; padding: 2px 0; }
section { padding: 26px 0 10px; border-bottom: 1px solid var(--line); }
section:last-of-type { border-bottom: 0; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 320px), 1fr)); gap: 18px 28px;
  margin: 10px 0 16px; }
figure { margin: 0; max-width: 500px; display: flex; flex-direction: column; } figure h3 { flex: 1 0 auto; }
.charts > figure:only-of-type h3 { flex: none; }
figcaption { margin-top: 4px; }
.chart { display: block; width: 100%; height: auto; }
.cell { display: block; width: 120px; height: 16px; margin-top: 3px; }
svg text { font-size: 11px; fill: var(--ink); font-family: inherit; }
svg .label { fill: var(--soft); font-size: 11.5px; }
svg .middle { text-anchor: middle; } svg .end { text-anchor: end; } svg .start { text-anchor: start; }
svg .grid { stroke: #e6ebf0; stroke-width: 1; } svg .axis { stroke: #8794a1; stroke-width: 1; }
svg .line { fill: none; stroke: var(--blue); stroke-width: 2; stroke-linejoin: round; }
svg .reference { fill: none; stroke: #6b7885; stroke-width: 1.3; stroke-dasharray: 5 4; }
svg .mark { stroke: #a8620b; stroke-width: 1.3; stroke-dasharray: 3 3; }
svg .band { fill: #1d5fa6; fill-opacity: .17; } svg .dot { fill: var(--blue); }
svg .whisker { stroke: var(--ink); stroke-width: 1.4; } svg .chart .whisker { stroke: var(--blue); }
svg .bar { fill: #7fa9d6; } caption { white-space: nowrap; }
.scroll { overflow-x: auto; margin: 0 0 16px; }
.scroll:focus-visible { outline: 2px solid var(--blue); outline-offset: 2px; }
table { border-collapse: collapse; font-size: .9rem; width: 100%; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 650; padding: 0 0 6px; }
th, td { padding: 5px 12px 5px 0; text-align: left; vertical-align: top; border-bottom: 1px solid #e6ebf0; }
th.n { white-space: normal; }
thead th { border-bottom: 1.5px solid #8794a1; vertical-align: bottom; color: var(--soft); font-weight: 600; }
tbody th { font-weight: 500; min-width: 9.5em; }
tbody th.group { padding-top: 12px; font-weight: 650; color: var(--soft); }
.n { text-align: right; white-space: nowrap; } td .ci { font-size: .82em; }
.pair { display: flex; gap: 4px 10px; align-items: center; flex-wrap: wrap; } .pair .cell { flex: none; margin: 0; }
.pair .told { white-space: nowrap; }
.fit { width: auto; min-width: 16em; }
dl.card { margin: 0; display: grid; grid-template-columns: minmax(9em, 14em) 1fr; gap: 8px 18px; max-width: 90ch; }
dl.card dt { font-weight: 650; } dl.card dd { margin: 0; overflow-wrap: anywhere; } dl.card dd p { margin: 0 0 4px; }
footer { padding-top: 18px; padding-bottom: 36px; color: var(--soft); font-size: .875rem; }
@media (min-width: 900px), print { .pair { flex-wrap: nowrap; } }
@media screen and (max-width: 560px) {
  main, header, footer { padding-left: 14px; padding-right: 14px; } nav { margin: 0 14px; }
  h1 { font-size: 1.4rem; }
  .cards { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  .cell { width: 90px; height: 12px; }
  table { font-size: .84rem; } th, td { padding-right: 9px; } tbody th { min-width: 7.5em; }
  td.n .ci { display: block; }
  dl.card { grid-template-columns: 1fr; gap: 2px; } dl.card dd { margin-bottom: 10px; }
}
@media print {
  @page { size: A4; margin: 14mm 13mm; }
  * { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
  body { font-size: 10.5pt; } main, header, footer { max-width: none; padding-left: 0; padding-right: 0; }
  nav { display: none; } section { padding-top: 14px; }
  h2, h3, caption, thead { break-after: avoid; } figure, .cards div, .verdict, tr { break-inside: avoid; }
  p, li { break-inside: avoid; } .cards { grid-template-columns: repeat(3, 1fr); }
  .charts { grid-template-columns: repeat(2, 1fr); }
  .scroll { overflow: visible; } table { font-size: 8.8pt; } a { color: inherit; text-decoration: none; }
}
"""
