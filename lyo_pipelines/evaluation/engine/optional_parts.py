"""The parts of an evaluation beyond its own items and models: other segments, endpoints, the judge. Each is optional."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from lyo_pipelines.config.evaluation import EndpointConfig
from lyo_pipelines.contracts.report_sections import Collateral, EndpointSection, JudgeSection
from lyo_pipelines.evaluation.endpoints.section import EndpointUsage, endpoint_section
from lyo_pipelines.evaluation.engine.ask_endpoints import Replies, ask_remote
from lyo_pipelines.evaluation.engine.ask_models import Asker
from lyo_pipelines.evaluation.inputs.evaluation_inputs import EvaluationInputs, ModelSpec
from lyo_pipelines.evaluation.judge.prompts import AnswerPair, JudgeReply, judge_messages, parse_reply
from lyo_pipelines.evaluation.judge.verdicts import Judgement, judge_section
from lyo_pipelines.evaluation.measures.model_outputs import ModelOutputs
from lyo_pipelines.evaluation.report.collateral import collateral_section


def ask_other_segments(asker: Asker) -> Collateral | None:
    """Ask what serves now and the candidate about each set; None where the configuration names none."""
    inputs = asker.inputs
    specs = [spec for spec in inputs.models if spec.role in {inputs.before, "candidate"}]
    outputs: dict[str, dict[str, ModelOutputs]] = {}
    for part in inputs.context.sets:
        config = inputs.config.model_copy(update={"latency_items": 0})
        other = replace(inputs, items=part.items, tasks=(None,) * len(part.items), config=config)
        outputs[part.name] = _asked(replace(asker, inputs=other, answers=part.answers, on=part.name), specs)
    if not outputs:
        return None
    return collateral_section(inputs.context.sets, outputs, inputs.before, inputs.config)


def _asked(asker: Asker, specs: Sequence[ModelSpec]) -> dict[str, ModelOutputs]:
    return {spec.role: asker.ask(spec) for spec in specs}


def ask_endpoints(
    asker: Asker, ours: Mapping[str, ModelOutputs]
) -> tuple[dict[str, ModelOutputs], tuple[EndpointSection, ...]]:
    """(outputs of each endpoint by its name, the report's section of each); both empty where the configuration names none."""
    inputs = asker.inputs
    limit = max(outputs.max_new_tokens for outputs in ours.values())
    asked = {
        item.item_id: [{"role": role, "content": content} for role, content in item.prompt]
        for item in inputs.items
        if not item.is_plain
    }
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
        outputs[endpoint.name] = _outputs(inputs, replies, limit)
        sections.append(_section(endpoint, replies, len(asked)))
    return outputs, tuple(sections)


def _outputs(inputs: EvaluationInputs, replies: Replies, limit: int) -> ModelOutputs:
    found = [replies.found.get(item.item_id) for item in inputs.items]
    return ModelOutputs(
        nll_sums=[None] * len(found),
        nll_tokens=[0] * len(found),
        cut=[False] * len(found),
        texts=[reply.text if reply else "" for reply in found],
        answer_tokens=[reply.answer_tokens if reply else None for reply in found],
        truncated=[bool(reply and reply.truncated) for reply in found],
        prompt_tokens=[reply.prompt_tokens if reply else None for reply in found],
        max_new_tokens=limit,
        timing=None,
        answered=[reply is not None for reply in found],
    )


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
