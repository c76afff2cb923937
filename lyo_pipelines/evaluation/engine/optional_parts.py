"""The parts of an evaluation beyond its own items and models: other segments, endpoints, the judge. Each is optional."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from lyo_pipelines.config.evaluation import EndpointConfig
from lyo_pipelines.contracts.report_sections import Collateral, EndpointSection, JudgeSection
from lyo_pipelines.evaluation.endpoints.section import EndpointUsage, endpoint_section
from lyo_pipelines.evaluation.engine.ask_endpoints import Replies, ask_remote, outputs_of, questions_of
from lyo_pipelines.evaluation.engine.ask_hosted import ask_any
from lyo_pipelines.evaluation.engine.ask_models import Asker
from lyo_pipelines.evaluation.inputs.evaluation_inputs import ModelSpec
from lyo_pipelines.evaluation.judge.prompts import AnswerPair, JudgeReply, judge_messages, parse_reply
from lyo_pipelines.evaluation.judge.verdicts import Judgement, judge_section
from lyo_pipelines.evaluation.measures.model_outputs import ModelOutputs
from lyo_pipelines.evaluation.report.collateral import collateral_section


def ask_other_segments(asker: Asker) -> Collateral | None:
    """Ask what serves now and the candidate about each set; None where there are none.

    A provider is asked the general questions alone: other segments' items are looked at by their likelihood, which it does not tell.
    """
    inputs = asker.inputs
    specs = [spec for spec in inputs.models if spec.role in {inputs.before, "candidate"}]
    sets = [part for part in inputs.context.sets if part.answers or not any(spec.hosted for spec in specs)]
    outputs: dict[str, dict[str, ModelOutputs]] = {}
    for part in sets:
        config = inputs.config.model_copy(update={"latency_items": 0})
        other = replace(inputs, items=part.items, tasks=(None,) * len(part.items), config=config)
        outputs[part.name] = _asked(replace(asker, inputs=other, answers=part.answers, on=part.name), specs)
    if not outputs:
        return None
    return collateral_section(sets, outputs, inputs.before, inputs.config)


def _asked(asker: Asker, specs: Sequence[ModelSpec]) -> dict[str, ModelOutputs]:
    return {spec.role: ask_any(asker, spec) for spec in specs}


def ask_endpoints(
    asker: Asker, ours: Mapping[str, ModelOutputs]
) -> tuple[dict[str, ModelOutputs], tuple[EndpointSection, ...]]:
    """(outputs of each endpoint by its name, the report's section of each); both empty where the configuration names none."""
    inputs = asker.inputs
    limit = max(outputs.max_new_tokens for outputs in ours.values())
    asked = questions_of(inputs.items, inputs.curation)
    outputs, sections = {}, []
    for endpoint in inputs.config.endpoints:
        replies = ask_remote(
            endpoint,
            asked,
            max_tokens=endpoint.max_tokens,
            name=endpoint.name,
            cache=asker.cache,
            progress=asker.progress,
        )
        outputs[endpoint.name] = outputs_of(inputs.items, replies, limit)
        sections.append(_section(endpoint, replies, len(asked)))
    return outputs, tuple(sections)


def _section(endpoint: EndpointConfig, replies: Replies, asked: int) -> EndpointSection:
    return endpoint_section(
        endpoint.name, endpoint, _spent([replies]), asked=asked, answered=len(replies.found), why=replies.why
    )


def _spent(replies: Sequence[Replies]) -> EndpointUsage:
    rows = [reply for part in replies for reply in part.found.values()]
    return EndpointUsage.of([(row.prompt_tokens, row.answer_tokens) for row in rows], [row.seconds for row in rows])


def ask_judge(asker: Asker, ours: Mapping[str, ModelOutputs]) -> JudgeSection | None:
    """Have answers judged, and pairs that people rated; None where no judge is set up."""
    inputs, judge = asker.inputs, asker.inputs.config.judge
    if judge is None:
        return None
    segment_task = inputs.segment.partition(".")[0]
    rows = [row for row, item in enumerate(inputs.items) if not item.is_plain][: judge.items]
    candidate, other = ours["candidate"].texts, ours[inputs.before].texts
    answers = []
    for row in rows:
        item, task = inputs.items[row], inputs.tasks[row]
        name = task.task if task else segment_task
        answers.append(
            AnswerPair(
                name, item.language, item.question, candidate[row], other[row], item.reference_answer, item.grade
            )
        )
    rated = [
        AnswerPair(pair.task, pair.language, pair.question, pair.better, pair.worse) for pair in inputs.context.pairs
    ]
    # equal answers need no judge: neither is better
    asked = [pair for pair in (*answers, *rated) if pair.first != pair.second]
    orders = {one.key: judge_messages(one) for pair in asked for one in (pair, pair.swapped())}
    replies = ask_remote(
        judge, orders, max_tokens=judge.max_tokens, name="judge", cache=asker.cache, progress=asker.progress
    )
    groups = [inputs.items[row].group_id for row in rows]
    return judge_section(
        _judgements(answers, groups, replies),
        _judgements(rated, [pair.group_id for pair in inputs.context.pairs], replies),
        inputs.config, judge, against=inputs.before, usage=_spent([replies]).usage(judge), why=replies.why,
    )  # fmt: skip


def _judgements(pairs: Sequence[AnswerPair], groups: Sequence[str], replies: Replies) -> list[Judgement]:
    """The judgements; a pair of which a reply is missing is none."""

    def said(pair: AnswerPair) -> JudgeReply | None:
        return parse_reply(replies.found[pair.key].text)

    found = []
    for pair, group in zip(pairs, groups, strict=True):
        if pair.first == pair.second:
            found.append(Judgement(pair.language, group, "tie", "tie"))
        elif pair.key in replies.found and pair.swapped().key in replies.found:
            found.append(Judgement(pair.language, group, said(pair), said(pair.swapped())))
    return found
