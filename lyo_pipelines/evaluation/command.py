"""What a caller needs around an evaluation: its command line and whether its report is there. Nothing here is heavy."""

from __future__ import annotations

from pathlib import Path

from lyo_pipelines.config.evaluation import EvaluationConfig
from lyo_pipelines.external_process.command import module_command
from lyo_pipelines.storage.whole_files import write_whole

EVALUATION_VERSION = 7
"""Raised when the same models on the same items would give another report."""

EVALUATION_CODE_VERSION = str(EVALUATION_VERSION)
REPORT = "report.json"
HTML_REPORT = "report.html"
PROGRESS = "progress.jsonl"
REPORT_TAG = "lyo/report"
"""Tag of a Dagster run: the version of the adapter that it reports on."""
CONFIG_FILE = "figures.json"


def evaluation_command(
    dataset_dir: str | Path,
    adapter_dir: str | Path,
    output_dir: str | Path,
    models_dir: str | Path,
    *,
    evaluation_config_path: str | Path | None = None,
    champion_dir: str | Path | None = None,
    start_dir: str | Path | None = None,
    cache_dir: str | Path | None = None,
    metrics_dir: str | Path | None = None,
    served: tuple[str, str] | None = None,
    data_dir: str | Path | None = None,
    config_path: str | Path | None = None,
) -> list[str]:
    """The command that evaluates; the same from a shell and under Dagster Pipes.

    champion_dir: the adapter that serves now; start_dir: what the candidate was tuned from, where that is another adapter.
    served: a thin segment that the report is for and why it has no adapter of its own. data_dir: root of the lake, for all that is
    looked at besides the test items (ratings, other segments, word lists); config_path: the user's configuration of curation.
    """
    options: dict[str, object | None] = {
        "--dataset": dataset_dir,
        "--adapter": adapter_dir,
        "--output": output_dir,
        "--models": models_dir,
        "--evaluation-config": evaluation_config_path,
        "--champion": champion_dir,
        "--start": start_dir,
        "--cache": cache_dir,
        "--metrics": metrics_dir,
        "--data": data_dir,
        "--config": config_path,
    }
    if served is not None:
        options |= {"--served-segment": served[0], "--served-because": served[1]}
    return module_command("lyo_pipelines.evaluation.engine", options=options)


def write_config(config: EvaluationConfig, output_dir: str | Path) -> Path:
    """Write the configuration beside the report, as the engine reads it; returns the path for `evaluation_config_path`."""
    folder = Path(output_dir)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / CONFIG_FILE
    write_whole(path, config.model_dump_json(indent=2) + "\n")
    return path


def default_cache(output: Path) -> Path:
    """Beside the reports of a segment, under a name that readers of the lake skip."""
    return output.parent / ".tmp-outputs"


def is_complete(output_dir: str | Path) -> bool:
    """Whether the evaluation that writes this folder has ended: report.json is written last.

    It may be out of date for another configuration or another champion; the engine notices and writes it anew.
    """
    return (Path(output_dir) / REPORT).is_file()
