"""What several people said of one answer, as one judgement: nobody's word stands over another's only because it came last.

Each person's newest submitted response counts once. Of ratings and relevance the mean counts, of thumbs the side of the majority, of
complaints all texts; of a corrected answer the newest, as only one can be learnt. Where somebody discarded the record or the task,
the others still count.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import fmean
from typing import Any

from lyo_pipelines.interactions.errors import RowError
from lyo_pipelines.interactions.fields.columns import NOTHING, parse_number
from lyo_pipelines.interactions.fields.scales import Several
from lyo_pipelines.interactions.fields.thumbs import parse_thumb
from lyo_pipelines.interactions.fields.times import parse_moment
from lyo_pipelines.interactions.formats.argilla_record import SUBMITTED, ArgillaRecord, Response
from lyo_pipelines.interactions.formats.row_format import Row

SEVERAL = "several people judged this answer: the mean of their ratings and the majority of their thumbs count"
NEWEST_TEXT = "several people answered a question in words: the newest answer counts"
SOME_DISCARDED = "somebody discarded this record, and others judged it: what the others said counts"


def counting_responses(record: ArgillaRecord) -> tuple[dict[str, list[Response]], bool]:
    """Question -> what counts of each person who answered it, oldest first; and whether somebody else discarded the record.

    People who are not named are one each, for nobody answers a question twice. Raises RowError where all discarded it.
    """
    ranked = [response for _, response in sorted(enumerate(record.responses), key=lambda pair: (_at(pair[1]), pair[0]))]
    last = {response.person: response for response in ranked}
    gone = {person for person, response in last.items() if response.status == "discarded"}
    stays = any(response.status == SUBMITTED and response.person not in gone for response in ranked)
    if None in gone and len(last) > 1:
        stays = stays or any(response.status == SUBMITTED for response in ranked)
    if record.discarded or (gone and not stays):
        raise RowError("discarded", "an annotator discarded this record")
    counting: dict[str, dict[Any, Response]] = {}
    for index, response in enumerate(ranked):
        if response.status == SUBMITTED and response.value not in NOTHING and response.person not in gone - {None}:
            of_question = counting.setdefault(response.question, {})
            key = index if response.person is None else response.person
            of_question.pop(key, None)
            of_question[key] = response
    return {question: list(found.values()) for question, found in counting.items()}, bool(gone)


def _at(response: Response) -> int:
    return (parse_moment(response.at, "feedback_at") if response.at is not None else None) or 0


def one_judgement(said: Sequence[Row]) -> Row:
    """The feedback fields of several people as those of one; `said`: each person's, oldest first."""
    merged: Row = {}
    for fields in said:
        merged |= fields
    for name, together in _TOGETHER.items():
        values = [fields[name] for fields in said if fields.get(name) is not None]
        if len(values) > 1:
            merged[name] = together(values)
    return merged


def _mean(values: list[Any]) -> Any:
    """The mean of numbers; what is no number stands as it is, to be refused where values are read."""
    numbers = []
    for value in values:
        try:
            number = parse_number(value, "relevance_score")
        except RowError:
            return value
        numbers += [number] if number is not None else []
    return fmean(numbers) if numbers else None


def _majority(values: list[Any]) -> int:
    total = sum(parse_thumb(value) or 0 for value in values)
    return (total > 0) - (total < 0)


def _all_of(separator: str) -> Callable[[list[Any]], str]:
    return lambda values: separator.join(dict.fromkeys(str(value) for value in values))


_TOGETHER: dict[str, Callable[[list[Any]], Any]] = {
    "rating": Several,
    "relevance_score": _mean,
    "thumbs": _majority,
    "complaint_category": _all_of(", "),
    "complaint_text": _all_of("\n"),
}
