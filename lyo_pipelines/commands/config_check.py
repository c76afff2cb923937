"""`lyo config check`: every file that a team writes, read as the pipelines read it, with what differs from the package."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from functools import partial

from rich.console import Console
from rich.markup import escape

from lyo_pipelines.commands.output import print_json
from lyo_pipelines.config.loading import Config, load_config
from lyo_pipelines.config.settings import Settings
from lyo_pipelines.curation.wordlists import load_wordlists
from lyo_pipelines.errors import LyoError
from lyo_pipelines.interactions.fields.mapping_files import MappingFiles
from lyo_pipelines.retraining.curriculum import load_curriculum
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.training.recipe_loading import load_recipe


@dataclass(frozen=True)
class ConfigFinding:
    """One file or group of files. well: whether it can be read; says: what is wrong, else what it holds; details: a line each."""

    name: str
    well: bool
    says: str
    details: tuple[str, ...] = field(default=())


def check_configuration(console: Console, *, as_json: bool) -> bool:
    """Print every finding; whether all are well."""
    settings = Settings.from_env()
    lake, findings = Lake(settings.data_dir), list[ConfigFinding]()
    for check in (
        lambda: _figures(settings.config_path),
        lambda: _curriculum(lake),
        lambda: _mappings(lake),
        lambda: _recipes(settings.config_path),
        lambda: _word_lists(lake),
    ):
        findings += check()
    if as_json:
        print_json(console, [asdict(finding) for finding in findings])
    else:
        for finding in findings:
            mark = "[green]✓[/]" if finding.well else "[red]✗[/]"
            console.print(f"{mark} {finding.name}: {escape(finding.says)}", highlight=False, soft_wrap=True)
            for line in finding.details:
                console.print(f"    {escape(line)}", highlight=False, soft_wrap=True)
    return all(finding.well for finding in findings)


def _read(name: str, read: Callable[[], ConfigFinding]) -> ConfigFinding:
    try:
        return read()
    except LyoError as error:
        return ConfigFinding(name, False, str(error))


def _figures(path: str | None) -> Iterator[ConfigFinding]:
    def read() -> ConfigFinding:
        changed = changed_figures(load_config(path))
        if path is None:
            return ConfigFinding("figures", True, "the packaged ones; data/config.yaml changes them")
        return ConfigFinding("figures", True, f"{path} changes {len(changed)}", tuple(changed))

    yield _read("figures", read)


def changed_figures(config: Config) -> list[str]:
    """`section.name: value (packaged: value)` of each figure that is not the packaged one."""
    ours, packaged = _flat(config.model_dump(mode="json")), _flat(load_config().model_dump(mode="json"))
    return [
        f"{name}: {ours.get(name)} (packaged: {packaged.get(name, 'none')})"
        for name in sorted({*ours, *packaged})
        if ours.get(name) != packaged.get(name)
    ]


def _flat(tree: dict[str, object], prefix: str = "") -> dict[str, object]:
    flat: dict[str, object] = {}
    for name, value in tree.items():
        if isinstance(value, dict):
            flat |= _flat({str(key): inner for key, inner in value.items()}, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = value
    return flat


def _curriculum(lake: Lake) -> Iterator[ConfigFinding]:
    def read() -> ConfigFinding:
        found = load_curriculum(lake)
        return ConfigFinding(
            "curriculum",
            True,
            f"{len(found.subjects)} subjects, {len(found.languages)} languages, {len(found.areas)} segments",
        )

    yield _read("curriculum", read)


def _mappings(lake: Lake) -> Iterator[ConfigFinding]:
    shared = MappingFiles(lake).shared

    def read(name: str) -> ConfigFinding:
        mapping = shared[name].parse()
        return ConfigFinding(f"mapping {name}", True, f"for {mapping.match or 'files that are given it'}")

    for name in shared:
        yield _read(f"mapping {name}", partial(read, name))
    if not shared:
        yield ConfigFinding("mappings", True, "none in data/mappings: files in known formats need none")


def _recipes(path: str | None) -> Iterator[ConfigFinding]:
    """What the triggers launch, in general and where a segment has its own."""
    try:
        retraining = load_config(path).retraining
    except LyoError:
        return  # said among the figures

    def read(where: str) -> ConfigFinding:
        launch = retraining.for_segment(where).launch
        recipe = load_recipe(launch.recipe, launch.overrides)
        return ConfigFinding(f"recipe of {where}", True, f"{recipe.name}: {recipe.method} on {recipe.base_model}")

    for where in ("every segment", *retraining.segments):
        yield _read(f"recipe of {where}", partial(read, where))


def _word_lists(lake: Lake) -> Iterator[ConfigFinding]:
    def read() -> ConfigFinding:
        load_wordlists(lake)
        own = lake.names(lake.side("wordlists"))
        return ConfigFinding("word lists", True, f"the packaged ones{' and ' + ', '.join(own) if own else ''}")

    yield _read("word lists", read)
