"""Model calls that are about a chat and not of it: judges, title makers, suggestions of what to ask next, rewriters of queries,
classifiers, filters. They are no interactions.

Told by where Langfuse runs its own evaluators and experiments (environments whose names begin with `langfuse-`), and by the names that
such calls have in evaluation libraries and chat applications.
"""

from __future__ import annotations

import re
from typing import Any

from lyo_pipelines.interactions.errors import RowError

_OWN_ENVIRONMENTS = "langfuse-"
_JUDGE = re.compile(
    r"^(execute )?evaluator\b|\bllm as a judge\b|^(llm |ai |answer |response )?judge$|^(ragas|deepeval)\b|\bg ?eval\b"
)
_METRIC = (
    r"(?:answer |response |context |faithfulness |llm )?(?:correctness|helpfulness|hallucination|toxicity|faithfulness|groundedness"
    r"|conciseness|coherence|harmfulness|maliciousness|relevanc[ey]|precision|recall)"
)
_JUDGED = re.compile(
    rf"^{_METRIC} (?:evaluators?|evals?|evaluation|judge|metric|scorer|score|check)$"
    r"|^(?:hallucination|toxicity|faithfulness|groundedness|answer (?:relevanc[ey]|correctness)"
    r"|context (?:precision|recall|relevanc[ey]|utili[sz]ation))$"
)
_AFTER = re.compile(
    r"^(?:(?:generate|create|make|suggest) )?(?:suggested |related )?(?:follow ?up|next|related|suggested)"
    r" (?:questions?|prompts?|replies)(?: (?:suggestions?|generator|generation))?$|^question suggestions?$"
    r"|^(?:summari[sz]e|compress|compact) (?:the )?(?:conversation|chat|history|session|thread|messages|chat history)$"
    r"|^(?:conversation|chat|history|session|thread|chat history) summar(?:y|i[sz]er|i[sz]ation)$"
)
_ABOUT = re.compile(
    r"^((create|generate|make|write|suggest|update|auto) )?((chat|conversation|thread|session|openwebui|open webui) )?"
    r"(title|titles|tags|emoji|follow ups?|autocomplete)( (generation|generator|maker|creation|chain|prompt))$"
    r"|^((create|generate|make|write|suggest|update) )((chat|conversation|thread|session) )?(title|tags|follow ups?)$"
    r"|^(chat|conversation|thread|session) title$|^titles?$"
)
_BEFORE = re.compile(
    r"^(?:(?:search|user|llm) )?(?:query|question|prompt) (?:rewrit(?:e|er|ing)|reformulat(?:e|or|ion)|expan(?:d|der|sion)"
    r"|condens(?:e|er|ation)|rephras(?:e|er|ing))(?: (?:chain|step|prompt|call|llm))?$"
    r"|^(?:rewrite|reformulate|expand|condense|rephrase|contextuali[sz]e) (?:the )?(?:search |user |standalone )?"
    r"(?:query|queries|question|q)$"
    r"|^(?:generate |create |make )?(?:search quer(?:y|ies)|standalone question)(?: (?:chain|generator|generation))?$|^hyde$"
    r"|^(?:intent|topic|language|query|question|safety|toxicity|subject) "
    r"(?:classif(?:y|ier|ication)|detect(?:or|ion)|router|routing|check)$"
    r"|^(?:classify|detect) (?:the )?(?:intent|topic|language|query|question|safety|subject)$"
    r"|^moderation(?: (?:check|call|step))?$|^(?:input|output) (?:guard|guardrail|rail|moderation|filter)s?$|^(?:guard|guardrail)s?$"
)
"""Steps beside the answer that a chain makes for itself: what it searches for, what a question is about, whether a text is safe."""


def refuse_calls_about_chats(name: Any, environment: Any = None) -> None:
    """Raise RowError for a call that judges, names or continues a chat, by the name of the call and its environment."""
    if isinstance(environment, str) and environment.lower().startswith(_OWN_ENVIRONMENTS):
        raise RowError(
            "call_about_a_chat", f"environment {environment[:40]!r}: an evaluator's or an experiment's own call"
        )
    words = _words(name)
    if _JUDGE.search(words) or _JUDGED.search(words):
        raise RowError("call_about_a_chat", f"a call named {str(name)[:40]!r}: a judge's own call is no interaction")
    if _ABOUT.search(words) or _AFTER.search(words):
        raise RowError("call_about_a_chat", f"a call named {str(name)[:40]!r}: it makes a title or the like for a chat")
    if _BEFORE.search(words):
        raise RowError(
            "call_about_a_chat", f"a call named {str(name)[:40]!r}: a step of a chain, whose answer no user saw"
        )


def is_about_a_chat(name: Any, environment: Any = None) -> bool:
    """Whether a call judges, names or continues a chat."""
    try:
        refuse_calls_about_chats(name, environment)
    except RowError:
        return True
    return False


def _words(name: Any) -> str:
    """A name in lower case, its words apart: `generateChatTitle` and `generate_chat_title` are the same."""
    if not isinstance(name, str):
        return ""
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name[:200])
    return " ".join(re.sub(r"[^\w]|_", " ", apart).lower().split())
