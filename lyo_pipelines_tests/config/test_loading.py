"""The configured values: commented defaults, a user's file with only what differs, errors that name the key."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from typing import get_args

import pytest
import yaml
from pydantic import BaseModel

from lyo_pipelines.config.loading import DEFAULTS, Config, ConfigError, load_config


def sections(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """A model and every model that its fields are made of."""
    yield model
    for field in model.model_fields.values():
        waiting = [field.annotation]
        while waiting:
            found = waiting.pop()
            waiting += get_args(found)
            if isinstance(found, type) and issubclass(found, BaseModel):
                yield from sections(found)


def test_no_figure_has_a_second_default_in_python():
    given = {
        f"{section.__name__}.{name}": field.default
        for section in sections(Config)
        for name, field in section.model_fields.items()
        if not field.is_required()
    }
    assert given.pop("GateConfig.blocking") is True  # a gate that says nothing stops what does not pass it
    assert given.pop("GateConfig.check") == "your_own_gates"  # no figure: where a page lists a gate that does not say
    assert {name: value for name, value in given.items() if value is not None} == {}  # None: an entry does not have it


def test_the_defaults_are_complete_and_commented():
    assert isinstance(load_config(), Config)
    for name in Config.model_fields:
        assert "#" in (DEFAULTS / f"{name}.yaml").read_text(encoding="utf-8")


def test_a_users_file_changes_only_what_it_names(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump({"interactions": {"reach_days": 30, "langfuse": {"task": "search"}}}))
    mine, default = load_config(path).interactions, load_config().interactions
    assert (mine.reach_days, mine.langfuse.task) == (30, "search")
    assert mine.langfuse.scores == default.langfuse.scores
    assert mine.model_copy(update={"reach_days": 365, "langfuse": default.langfuse}) == default


def test_an_empty_file_changes_nothing(tmp_path):
    (tmp_path / "config.yaml").write_text("# nothing yet\n")
    assert load_config(tmp_path / "config.yaml") == load_config()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("interactions: {reach_day: 3}", "interactions.reach_day"),
        ("interactions: {reach_days: soon}", "interactions.reach_days"),
        ("interactions: {langfuse: {scores: {x: stars}}}", "interactions.langfuse.scores.x"),
        ("nonsense: {}", "nonsense"),
        ("- a", "expected sections"),
        ("{", "cannot be read as YAML"),
    ],
)
def test_a_wrong_file_is_named_with_the_key(tmp_path, text, said):
    path = tmp_path / "config.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as error:
        load_config(path)
    assert str(path) in str(error.value)
    assert said in str(error.value)


SECRET = "correct-horse-battery"


@pytest.mark.parametrize(
    "text",
    [
        f"alerts: {{email: {{password: {SECRET}}}}}",
        f"alerts: {{email: {{port: {SECRET}}}}}",
        f'alerts:\n  email:\n    password: "{SECRET}\n    host: x\n',
        f"alerts: [{SECRET}",
        f"hosted: {{base_url: 'https://svc:{SECRET}@api.example/v1'}}",
        f"hosted: {{base_url: 'https://api.example/v1?key={SECRET}'}}",
    ],
)
def test_no_error_quotes_what_somebody_typed_where_a_secret_may_stand(tmp_path, text):
    path = tmp_path / "config.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert SECRET not in "".join(traceback.format_exception(caught.value)), (
        "nor an error behind it, which Dagster keeps"
    )
    assert "config.yaml" in str(caught.value)


def test_a_file_in_another_encoding_is_named(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_bytes("curation: {minimum_rating: 4}".encode("utf-16"))
    with pytest.raises(ConfigError, match=r"config\.yaml: cannot be read as YAML"):
        load_config(path)


def test_a_file_that_is_not_there_is_said(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(tmp_path / "nowhere.yaml")


def test_configuration_cannot_be_changed_by_accident():
    config = load_config()
    with pytest.raises(ValueError, match="frozen"):
        config.interactions.reach_days = 1  # pyright: ignore[reportAttributeAccessIssue]
