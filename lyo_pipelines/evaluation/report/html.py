"""A report as one HTML file that stands alone: its pictures are inside, nothing is fetched, no script runs.

The words are those of report.md. Texts that users or models wrote are escaped, and no picture but the report's own is shown.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from html import escape
from typing import Any

from markdown_it import MarkdownIt

from lyo_pipelines.contracts.report import Report
from lyo_pipelines.contracts.report_values import Sample
from lyo_pipelines.evaluation.report.gates import release_answer, release_sentence
from lyo_pipelines.evaluation.report.markdown import render_report
from lyo_pipelines.evaluation.report.markdown_tables import QUOTED, number, visible

_ANSWERS = "answers-of-all-models-stand-here"
_STYLE = """
:root{color-scheme:light dark;--ink:#1f2933;--soft:#5f6b78;--rule:#dfe5ea;--paper:#fff;--band:#f4f6f8;--link:#2f5d8a}
@media (prefers-color-scheme:dark){:root{--ink:#e3e8ed;--soft:#9fabb8;--rule:#36414c;--paper:#14191f;--band:#1c232b;--link:#8fb8e0}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font-size:16px;line-height:1.55;
font-family:system-ui,"Noto Sans","Noto Sans Devanagari","Noto Sans Tamil",sans-serif}
main{max-width:64rem;margin:0 auto;padding:2rem 1.2rem 4rem}
h1{font-size:1.6rem;line-height:1.25}h2{margin-top:2.6rem;border-bottom:1px solid var(--rule);padding-bottom:.3rem}
a{color:var(--link)}
.answer{border-left:.35rem solid var(--soft);background:var(--band);padding:.8rem 1rem;border-radius:.3rem;font-size:1.05rem}
.answer.yes{border-color:#2a7f62}.answer.no{border-color:#c8553d}.answer.cannot{border-color:#d9a441}
.wide{overflow-x:auto}
table{border-collapse:collapse;font-size:.88rem;font-variant-numeric:tabular-nums}
th,td{padding:.35rem .6rem;border-bottom:1px solid var(--rule);text-align:left;vertical-align:top}
th{color:var(--soft);font-weight:600;white-space:nowrap}
img{max-width:min(100%,44rem);border-radius:.3rem;background:#fff}
code{background:var(--band);padding:.05rem .3rem;border-radius:.2rem;font-size:.9em}
pre{background:var(--band);padding:.8rem;border-radius:.3rem;white-space:pre-wrap;overflow-wrap:anywhere}
pre code{background:none;padding:0}
.side{display:grid;grid-template-columns:repeat(auto-fit,minmax(15rem,1fr));gap:.8rem;margin:.6rem 0 2rem}
.side figure{margin:0;background:var(--band);border-radius:.3rem;padding:.7rem .9rem}
.side figcaption{color:var(--soft);font-size:.82rem;font-weight:600;margin-bottom:.3rem}
.side p,.question{white-space:pre-wrap;overflow-wrap:anywhere;margin:0}
@media print{main{max-width:none}pre,figure,tr,img{break-inside:avoid}}
"""


def render_html(report: Report, pictures: Mapping[str, bytes]) -> str:
    """The whole report as HTML. pictures: file name -> PNG, as `report_plots` makes them."""
    told = MarkdownIt("commonmark", {"html": False}).enable("table")
    told.add_render_rule("image", _only(pictures))
    body = told.render(render_report(report, answers=_ANSWERS))
    body = body.replace("<table>", '<div class="wide"><table>').replace("</table>", "</table></div>")
    body = body.replace(f"<p>{_ANSWERS}</p>", "".join(map(_side_by_side, report.samples)))
    title = escape(f"{report.segment} · {report.version}")
    head, _, rest = body.partition("</h1>")
    answer = release_answer(report.gates)
    sentence = f'<p class="answer {answer.split()[0]}">May it be released? {escape(release_sentence(report.gates))}</p>'
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">\n"
        f"<title>{title}</title><style>{_STYLE}</style></head>\n<body><main>\n{head}</h1>\n{sentence}\n{rest}</main></body></html>\n"
    )


def _only(pictures: Mapping[str, bytes]) -> Any:
    """How an image of the Markdown is rendered: the report's own ones with their bytes inside, any other as its words."""

    def rule(self: Any, tokens: Any, at: int, options: Any, env: Any) -> str:
        token = tokens[at]
        png, alt = pictures.get(token.attrGet("src") or ""), escape(token.content)
        if png is None:
            return alt
        return f'<img alt="{alt}" src="data:image/png;base64,{base64.b64encode(png).decode("ascii")}">'

    return rule


def _side_by_side(sample: Sample) -> str:
    """One question with the answers of all models beside each other."""
    answers = {"reference": sample.reference, **sample.answers}
    cells = "".join(
        f"<figure><figcaption>{escape(role)}</figcaption><p>{_text(text)}</p></figure>"
        for role, text in answers.items()
    )
    change = f"{sample.metric} {number(sample.change, True)}"
    return (
        f'<h3>{escape(sample.item_id)} ({escape(change)})</h3><p class="question">{_text(sample.question)}</p>'
        f'<div class="side">{cells}</div>'
    )


def _text(text: str) -> str:
    cut = text if len(text) <= QUOTED else f"{text[:QUOTED]} …"
    return escape(visible(cut) or "(empty)")
