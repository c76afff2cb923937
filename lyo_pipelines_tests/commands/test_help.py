"""The command line as somebody finds it: help in groups with examples, short options, a version, JSON, completion, and no waiting."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet
from typer.main import get_command
from typer.testing import CliRunner

from lyo_pipelines.cli import app
from lyo_pipelines.commands import demo_place
from lyo_pipelines.commands.arguments import BEGIN, DATA, LOOK, RELEASE, TRAINING, complete_recipe, complete_segment
from lyo_pipelines.commands.config_check import changed_figures, check_configuration
from lyo_pipelines.commands.doctor import python_wanted
from lyo_pipelines.config.loading import ConfigError, load_config
from lyo_pipelines.config.settings import PROJECT_ROOT

HEAVY = ("torch", "polars", "pyarrow", "pydantic", "dagster", "numpy", "httpx", "scipy")
runner = CliRunner()


def words(*arguments: str) -> str:
    done = runner.invoke(app, list(arguments))
    assert done.exit_code == 0, done.output
    return done.output


def test_help_has_groups_and_examples_and_a_short_option() -> None:
    said = words("-h")
    places = [said.index(f" {group} ") for group in (BEGIN, DATA, TRAINING, RELEASE, LOOK)]
    assert places == sorted(places)
    assert "Examples:" in said
    for command in ("train", "show", "segments", "build", "rejected", "status"):
        assert f" {command} " in said


@pytest.mark.parametrize("command", ["ingest", "train", "show", "rejected", "why", "release", "backtest", "export"])
def test_a_commands_help_shows_what_somebody_would_type(command: str) -> None:
    said = words(command, "-h")
    assert "Examples:" in said and f"lyo {command}" in said.partition("Examples:")[2]


def test_every_command_has_help_and_a_group() -> None:
    group = get_command(app)
    for name, command in group.commands.items():  # pyright: ignore[reportAttributeAccessIssue]
        assert command.help, name
        assert command.rich_help_panel in (BEGIN, DATA, TRAINING, RELEASE, LOOK), name


def test_the_version_is_told() -> None:
    assert words("--version").startswith("lyo ")


def test_help_needs_none_of_the_heavy_libraries() -> None:
    script = (
        "import sys; from typer.testing import CliRunner; from lyo_pipelines.cli import app;"
        f"CliRunner().invoke(app, ['-h']); print([name for name in {HEAVY} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=PROJECT_ROOT)
    assert done.stdout.strip() == "[]"


def test_segments_and_recipes_are_completed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("tutoring.en.math", "tutoring.hi.math", "search.en"):
        (tmp_path / "lake" / "datasets" / name).mkdir(parents=True)
    monkeypatch.setenv("LYO_DATA_DIR", str(tmp_path))
    assert complete_segment("tut") == ["tutoring.en.math", "tutoring.hi.math"]
    assert complete_recipe("gemma_2_2b") == ["gemma_2_2b", "gemma_2_2b_qlora"]
    monkeypatch.setenv("LYO_DATA_DIR", "s3://bucket/data")
    assert complete_segment("tut") == [], "a lake elsewhere is not asked at every key"


def test_the_demo_has_a_place_of_its_own_unless_one_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LYO_DATA_DIR", "DAGSTER_HOME", "LYO_TRIGGERS", "LYO_PG_HOST"):
        monkeypatch.delenv(name, raising=False)
    environment: dict[str, str] = {}
    monkeypatch.setattr(demo_place.os, "environ", environment)
    demo_place.use_demo_place()
    assert environment == {
        "LYO_TRIGGERS": "on",
        "LYO_DATA_DIR": str(PROJECT_ROOT / "data" / "demo"),
        "DAGSTER_HOME": str(PROJECT_ROOT / "dagster_home" / "demo"),
    }
    environment.clear()
    environment["LYO_DATA_DIR"] = "/srv/lyo"
    demo_place.use_demo_place()
    assert environment == {"LYO_DATA_DIR": "/srv/lyo", "LYO_TRIGGERS": "on"}


def test_a_demo_is_kept_out_of_the_repository_and_clean_takes_it_away() -> None:
    ignored = (PROJECT_ROOT / ".gitignore").read_text()
    makefile = (PROJECT_ROOT / "Makefile").read_text()
    clean = makefile.partition("\nclean:")[2].partition("\n\n")[0]
    assert "data/demo" in ignored and "dagster_home/demo" in clean and "data/demo" in clean
    assert "data/lake" not in clean, "a team's lake is not the demo's"


def test_what_python_fits_is_said_the_same_everywhere() -> None:
    wanted = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    assert SpecifierSet(python_wanted()) == SpecifierSet(wanted)
    fits = [f"3.{minor}" for minor in range(9, 20) if SpecifierSet(wanted).contains(f"3.{minor}.0")]
    readme = (PROJECT_ROOT / "README.md").read_text()
    makefile = (PROJECT_ROOT / "Makefile").read_text()
    assert f"Python {' or '.join(fits)}" in readme and f"Python {' or '.join(fits)}" in makefile
    low, high = (tuple(map(int, one.split("."))) for one in (fits[0], fits[-1]))
    assert f"{low} <= sys.version_info[:2] <= {high}" in makefile


def check(monkeypatch: pytest.MonkeyPatch, folder: Path) -> tuple[bool, list[dict[str, object]]]:
    from rich.console import Console

    monkeypatch.setenv("LYO_DATA_DIR", str(folder))
    monkeypatch.delenv("LYO_CONFIG", raising=False)
    console = Console(record=True, width=80)
    well = check_configuration(console, as_json=True)
    return well, json.loads(console.export_text())


def test_a_configuration_is_checked_file_by_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    well, found = check(monkeypatch, tmp_path)
    assert well and {one["name"] for one in found} >= {"figures", "curriculum", "mappings", "word lists"}
    (tmp_path / "config.yaml").write_text("curation: {minimum_rating: 4.5}\nretraining: {launch: {recipe: ownr}}\n")
    (tmp_path / "mappings").mkdir()
    (tmp_path / "mappings" / "app.yaml").write_text("fields: {questoin: text}\n")
    (tmp_path / "curriculum.local.yaml").write_text("subjects: [math]\n")
    well, found = check(monkeypatch, tmp_path)
    by_name = {str(one["name"]): one for one in found}
    assert not well
    assert "curation.minimum_rating: 4.5 (packaged: 4.0)" in by_name["figures"]["details"]  # pyright: ignore[reportOperatorIssue]
    assert "Did you mean 'owner'" in str(by_name["recipe of every segment"]["says"])
    assert [name for name, one in by_name.items() if not one["well"]] == [
        "curriculum", "mapping app.yaml", "recipe of every segment",
    ]  # fmt: skip


def test_a_misspelt_figure_is_told_with_the_near_name(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    for text, near in (
        ("curation: {minimum_ratng: 4}", "did you mean minimum_rating?"),
        ("curaton: {}", "did you mean curation?"),
        ("dataset: {fractions: {trian: 0.8}}", "did you mean train?"),
    ):
        path.write_text(text)
        with pytest.raises(ConfigError, match="did you mean") as told:
            load_config(path)
        assert near in told.value.message
    assert changed_figures(load_config()) == []
