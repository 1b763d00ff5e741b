"""How a page looks: light and dark, on a phone and on paper. Pictures take their colours from the same variables."""

from __future__ import annotations

STYLE = """
:root {
  --paper: #ffffff; --ink: #1f2328; --soft: #59636e; --grid: #d8dde3; --shade: #f4f6f8;
  --band-1: #cde2f1; --band-2: #9ac7e4; --band-3: #6aabd6;
  --blue: #0072b2; --orange: #d55e00; --green: #009e73; --purple: #a3508b; --sky: #56b4e9; --yellow: #b07800;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --paper: #14181d; --ink: #e8ebee; --soft: #a3adb8; --grid: #343c45; --shade: #1e242b;
    --band-1: #17364a; --band-2: #1f5273; --band-3: #2a71a0;
    --blue: #58b5ee; --orange: #ff9148; --green: #3fcfa4; --purple: #dd93c6; --sky: #8fd0f5; --yellow: #e3b341;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", "Liberation Sans", Arial, sans-serif; }
main { max-width: 46rem; margin: 0 auto; padding: 1.2rem 1rem 3rem; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 1.5rem 0 .5rem; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; border-bottom: 1px solid var(--grid); padding-bottom: .2rem; }
p { margin: .5rem 0; overflow-wrap: anywhere; }
.verdict { font-size: 1.15rem; background: var(--shade); border-left: 4px solid var(--blue); padding: .7rem 1rem; }
.verdict.worse { border-color: var(--orange); }
.verdict.unknown { border-color: var(--soft); }
.soft, figcaption { color: var(--soft); font-size: .92rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; margin: .4rem 0; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid var(--grid); vertical-align: top; }
.facts td { overflow-wrap: anywhere; }
th { color: var(--soft); font-weight: 600; font-size: .92rem; }
td.number, td.word { white-space: nowrap; }
.number { text-align: right; }
figure { margin: 1rem 0; }
figure svg { display: block; width: 100%; height: auto; }
figure svg text { font-family: inherit !important; }
@media screen and (max-width: 30rem) {
  main { padding: .8rem .7rem 2rem; }
  table { font-size: .84rem; }
  th, td { padding-right: .5rem; }
  td { overflow-wrap: anywhere; }
  th:last-child, td:last-child { padding-right: 0; }
}
@media screen and (min-width: 44rem) {
  figure.half { display: inline-block; width: 49.5%; margin: .5rem 0; }
}
pre { background: var(--shade); padding: .7rem 1rem; overflow-x: auto; font-size: .85rem; line-height: 1.45; }
.passage { columns: 1 !important; }
.shade-1 { background: color-mix(in srgb, var(--orange) 11%, transparent); }
.shade-2 { background: color-mix(in srgb, var(--orange) 22%, transparent); }
.shade-3 { background: color-mix(in srgb, var(--orange) 33%, transparent); }
.shade-4 { background: color-mix(in srgb, var(--orange) 44%, transparent); }
.shade-5 { background: color-mix(in srgb, var(--orange) 55%, transparent); }
.shade-6 { background: color-mix(in srgb, var(--orange) 66%, transparent); }
@page { margin: 16mm 15mm; }
@media print {
  body { font-size: 10pt; line-height: 1.4; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  main { max-width: none; padding: 0; }
  h1 { margin-top: 0; }
  h2 { margin-top: 1.2rem; }
  figure { max-width: 115mm; margin: .5rem 0; }
  figure, table, tr, .verdict { break-inside: avoid; }
  h1, h2, .verdict { break-after: avoid; }
  .wide { overflow: visible; }
  pre { white-space: pre-wrap; overflow-wrap: anywhere; columns: 2; font-size: 7.5pt; }
  article + article { break-before: page; }
}
"""
