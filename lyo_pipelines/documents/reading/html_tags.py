"""Elements of HTML by what they mean for a text: blocks stand on lines of their own, dropped ones hold no text of a lesson."""

from __future__ import annotations

BLOCKS = frozenset(
    ("address", "article", "aside", "blockquote", "body", "caption", "center", "dd", "details", "div", "dl", "dt",
     "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "html", "legend",
     "li", "main", "ol",
     "p", "pre", "section", "summary", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul")
)  # fmt: skip
DROPPED = frozenset(
    ("script", "style", "noscript", "template", "svg", "iframe", "object", "button", "select", "input", "textarea", "nav", "dialog",
     "img", "picture", "video", "audio", "canvas", "head", "map")
)  # fmt: skip
HEADINGS = {f"h{level}": level for level in range(1, 7)}
"""Level by tag."""
