"""README.md of exported preference data: a dataset card in the form of the Hugging Face hub. Numbers come from the manifest."""

from __future__ import annotations

import yaml

from lyo_pipelines.dataset.preferences.contract import SPLITS
from lyo_pipelines.dataset.preferences.versions import PreferenceVersion
from lyo_pipelines.segments import parse_parent

_COLUMNS = {
    "kto": "`prompt` (the chat up to the last question), `completion` (one answer to it), `label` (true: users found it good)",
    "dpo": "`prompt` (the chat up to the last question), `chosen` and `rejected` (the answer that users preferred, and the other)",
}
_MADE = {
    "kto": "An answer's label comes from its mean rating; those between good and bad are left out; each split holds as many good "
    "as bad ones.",
    "dpo": "Two answers to one question of which one was rated clearly better, or a person's correction and what it corrected.",
}


def preference_card(version: PreferenceVersion, method: str) -> str:
    """The card's Markdown, with its YAML header. method: kto or dpo."""
    segment = parse_parent(version.segment)
    header = {
        "pretty_name": f"{version.segment} {version.fingerprint} ({method})",
        "language": [segment.language.split("_")[0]] if segment.language else [],
        "task_categories": ["text-generation"],
        "tags": ["preference", method],
        "configs": [
            {"config_name": "default", "data_files": [{"split": name, "path": f"{name}.jsonl"} for name in SPLITS]}
        ],
    }
    rows = "\n".join(f"| {name} | {version.size(method, name):,} |" for name in SPLITS)
    return (
        f"---\n{yaml.safe_dump(header, sort_keys=False, allow_unicode=True)}---\n\n"
        f"# {version.segment}, preferences {version.fingerprint}\n\n"
        f"{_MADE[method]} Nothing of the segment's test split is among them.\n\n"
        f"| split | rows |\n| --- | --- |\n{rows}\n\n"
        f"Columns, as TRL's trainers read them: {_COLUMNS[method]}.\n\n"
        "`manifest.json` holds how they were made, for programs.\n"
    )
