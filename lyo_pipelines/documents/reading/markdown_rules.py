"""Rules laid over markdown-it so that arithmetic, TeX and names of code are not taken for marks of Markdown.

Each rule asks CommonMark's own rule first and then refuses what is no mark for sure: text with a mark too many does no harm, a formula
without one does.
"""

from __future__ import annotations

import re
from statistics import median_low
from typing import TYPE_CHECKING

from lyo_pipelines.documents.contract import RejectedError
from lyo_pipelines.documents.reading.emphasis import undo_doubtful_emphasis
from lyo_pipelines.documents.reading.html_groups import LIST_MARK
from lyo_pipelines.documents.reading.plain import WRAPPED_LINE
from lyo_pipelines.documents.reading.written_tags import Tags

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from markdown_it import MarkdownIt
    from markdown_it.renderer import RendererHTML
    from markdown_it.rules_block import StateBlock
    from markdown_it.rules_core import StateCore
    from markdown_it.rules_inline import StateInline
    from markdown_it.token import Token
    from markdown_it.utils import EnvType, OptionsDict

    InlineRule = Callable[[StateInline, bool], bool]
    BlockRule = Callable[[StateBlock, int, int, bool], bool]

_LEVELS = 100  # of lists and quotations in each other; a list is two
_LINKS = 8  # square brackets in each other that are looked into for links
# before these a backslash is Markdown's; before others it may be TeX's (\\ \{ \, \% \=), and so it stays
_ESCAPES = frozenset("*_`#~+-.<>")
_ADDRESS = re.compile(
    r"<|[a-z][a-z0-9+.-]*:|//|[#/?.]|www\.|[^\W\d_]{2}[\w%-]*(?:\.[^\W\d_]\w+|/)|\w+\.[a-z]{2,5}$|(?:[^\W\d_]|%[0-9a-f]{2}){2}[\w%-]+$",
    re.IGNORECASE,
)
_DEFINES = re.compile(r"[ \t]{0,3}\[[^\]\n]+\]:\s*(?P<address>\S*)")
_WORD = re.compile(r"[^\W\d_]{2}")
_OPERAND = re.compile(r"[-+]?(?:\d|\(|[A-Za-z](?![^\W_])|\ufdd0)")
_SHORTEST_UNDERLINE = 3


def with_careful_rules(parser: MarkdownIt) -> MarkdownIt:
    """The parser with the rules of this module; its option `html` must be on."""
    # the code server loads no parser
    from markdown_it import rules_block, rules_inline

    parser.options["maxNesting"] = _LEVELS + 10
    parser.block.ruler.before("table", "depth", _depth)
    parser.block.ruler.at(
        "blockquote", _quotation(rules_block.blockquote), {"alt": ["paragraph", "reference", "blockquote", "list"]}
    )
    parser.block.ruler.at("reference", _definition_of_address(rules_block.reference), {"alt": []})
    parser.block.ruler.at("lheading", _heading_of_words(rules_block.lheading), {"alt": []})
    parser.inline.ruler.at("escape", _escape)
    parser.inline.ruler.at("link", _to_an_address(rules_inline.link))
    parser.inline.ruler.at("image", _to_an_address(rules_inline.image))
    parser.inline.ruler.at("html_inline", _known_tag(rules_inline.html_inline))
    parser.core.ruler.after("inline", "as_written", _as_written)
    parser.add_render_rule("html_block", _html_block)
    return parser


def _depth(state: StateBlock, _start: int, _end: int, _silent: bool) -> bool:
    """Said before the parser drops what lies deeper, which it does without a word."""
    if state.level >= _LEVELS:
        raise RejectedError("too_deep", f"more than {_LEVELS // 2} lists or {_LEVELS} quotations in each other")
    return False


def _escape(state: StateInline, silent: bool) -> bool:
    """A backslash and the sign behind it: both stay where the backslash may be TeX's."""
    start = state.pos
    sign = state.src[start + 1 : min(start + 2, state.posMax)]
    if state.src[start] != "\\" or not sign:
        return False
    if not silent:
        if sign == "\n":
            state.push("hardbreak", "br", 0)
        else:
            token = state.push("text_special", "", 0)
            token.content, token.markup, token.info = sign if sign in _ESCAPES else f"\\{sign}", f"\\{sign}", "escape"
    state.pos += 2
    return True


def _to_an_address(rule: InlineRule) -> InlineRule:
    """A link or image, if what stands in its round brackets can be an address: [2](4-1) is a product."""

    def checked(state: StateInline, silent: bool) -> bool:
        start = state.pos
        if state.src[start] not in "[!":
            return False
        if silent and state.level > _LINKS:
            state.pos = state.posMax  # as the parser itself does at its limit, so that a row of brackets costs no more
            return True
        if not rule(state, True):
            return False
        end = state.pos
        inside = state.src[state.src.rfind("](", start, end) + 2 : end - 1]
        if state.src[start] == "[" and state.src[end - 1] == ")" and not _ADDRESS.match(inside.strip()):
            state.pos = start
            return False
        if silent:
            return True
        state.pos = start
        return rule(state, False)

    return checked


def _known_tag(rule: InlineRule) -> InlineRule:
    """A tag of HTML, if it is one for sure (written_tags.py)."""

    def checked(state: StateInline, silent: bool) -> bool:
        start = state.pos
        if not rule(state, True):
            return False
        end, state.pos = state.pos, start
        if not _tags_of(state).is_tag(start, end):
            return False
        if silent:
            state.pos = end
            return True
        return rule(state, False)

    return checked


def _tags_of(state: StateInline) -> Tags:
    known = state.env.get("tags")
    if known is None or known[0] is not state.src:
        known = state.env["tags"] = (state.src, Tags(state.src))
    return known[1]


def _quotation(rule: BlockRule) -> BlockRule:
    """Lines that begin with `>`, if they are a quotation: "> 3" and ">= x" go on with a relation."""

    def checked(state: StateBlock, start: int, end: int, silent: bool) -> bool:
        begin = state.bMarks[start] + state.tShift[start]
        line = state.src[begin : state.eMarks[start]]
        if not line.startswith(">"):
            return False
        after = state.src[state.eMarks[start] + 1 : state.eMarks[start] + 2] if start + 1 < end else ""
        inside = line[1:].strip()
        relation = not _WORD.search(inside) and after != ">" and not inside.startswith(">")
        if relation or inside.startswith("=") or (silent and _OPERAND.match(inside)):
            return False
        return rule(state, start, end, silent)

    return checked


def _definition_of_address(rule: BlockRule) -> BlockRule:
    """`[label]: address`, if it is an address: "[Answer]: 42" is a line of text."""

    def checked(state: StateBlock, start: int, end: int, silent: bool) -> bool:
        begin = state.bMarks[start] + state.tShift[start]
        found = _DEFINES.match(state.src, begin)
        return bool(found and _ADDRESS.match(found["address"])) and rule(state, start, end, silent)

    return checked


def _heading_of_words(rule: BlockRule) -> BlockRule:
    """An underlined heading, if it has a word and a real underline: figures above a line are a sum."""

    def checked(state: StateBlock, start: int, end: int, silent: bool) -> bool:
        tokens, line, parent = len(state.tokens), state.line, state.parentType
        if not rule(state, start, end, silent):
            state.parentType = parent
            return False
        underline = state.src[state.bMarks[state.line - 1] : state.eMarks[state.line - 1]].strip(" \t>")
        if len(underline) >= _SHORTEST_UNDERLINE and _WORD.search(state.tokens[tokens + 1].content):
            return True
        del state.tokens[tokens:]
        state.line, state.parentType = line, parent
        return False

    return checked


def _as_written(state: StateCore) -> None:
    """Marks of lists, lines of poems and formulas, and doubtful emphasis, as they stand in the text."""
    lines = state.src.split("\n")
    for token in state.tokens:
        if token.type == "inline" and token.children:
            undo_doubtful_emphasis(token.children)
            _keep_short_lines(token)
        elif token.type == "hr" and token.map and _is_line_of_sum(lines, token.map[0]):
            written = "".join(sign for sign in lines[token.map[0]] if sign in "-_ ").strip()
            token.type, token.tag, token.content = "html_block", "", f"<p>{written}</p>"
    _mark_items(state.tokens)


def _keep_short_lines(token: Token) -> None:
    lines = token.content.split("\n")
    if len(lines) > 1 and median_low([len(line) for line in lines[:-1]]) < WRAPPED_LINE:
        for child in token.children or []:
            if child.type == "softbreak":
                child.type, child.tag = "hardbreak", "br"


def _is_line_of_sum(lines: list[str], number: int) -> bool:
    above = lines[number - 1] if number else ""
    return "*" not in lines[number] and bool(above.strip()) and not _WORD.search(above)


def _mark_items(tokens: Sequence[Token]) -> None:
    """Each item's mark as it is written, so that "+ 4" does not become "- 4"; a list of equal numbers is counted."""
    lists: list[list[Token]] = []
    for token in tokens:
        if token.type in {"bullet_list_open", "ordered_list_open"}:
            lists.append([])
        elif token.type == "list_item_open":
            lists[-1].append(token)
        elif token.type in {"bullet_list_close", "ordered_list_close"}:
            items = lists.pop()
            counted = len(items) > 1 and items[0].info and len({item.info for item in items}) == 1
            for place, item in enumerate(items):
                item.attrSet(LIST_MARK, f"{int(item.info) + place if counted else item.info}{item.markup}")


def _html_block(
    _renderer: RendererHTML, tokens: Sequence[Token], place: int, _options: OptionsDict, _env: EnvType
) -> str:
    return Tags(tokens[place].content).escaped()
