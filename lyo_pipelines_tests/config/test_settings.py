"""Where things live comes from the environment; the key is made once and never silently replaced."""

from __future__ import annotations

import stat

import pytest

from lyo_pipelines.config.settings import PROJECT_ROOT, MissingPseudonymKeyError, Settings, make_key_file


def test_the_default_is_the_data_folder_of_the_project():
    settings = Settings.from_env({"LYO_PSEUDONYM_KEY": "k"})
    assert settings.data_dir == str(PROJECT_ROOT / "data")
    assert settings.require_pseudonym_key() == "k"


def test_the_environment_moves_everything(tmp_path):
    (tmp_path / "config.yaml").write_text("{}")
    settings = Settings.from_env({"LYO_DATA_DIR": str(tmp_path)})
    assert settings.data_dir == str(tmp_path)
    assert settings.config_path == str(tmp_path / "config.yaml")
    assert Settings.from_env({"LYO_DATA_DIR": str(tmp_path), "LYO_CONFIG": "mine.yaml"}).config_path == "mine.yaml"
    remote = Settings.from_env({"LYO_DATA_DIR": "s3://bucket/x"})
    assert (remote.data_dir, remote.config_path, remote.pseudonym_key) == ("s3://bucket/x", None, None)


def test_without_a_key_the_message_says_how_to_get_one(tmp_path):
    with pytest.raises(MissingPseudonymKeyError, match="LYO_PSEUDONYM_KEY"):
        Settings.from_env({"LYO_DATA_DIR": str(tmp_path)}).require_pseudonym_key()


def test_the_demo_makes_its_own_key_once(tmp_path):
    key = make_key_file(str(tmp_path))
    assert len(key) == 64
    assert make_key_file(str(tmp_path)) == key
    assert Settings.from_env({"LYO_DATA_DIR": str(tmp_path)}).require_pseudonym_key() == key
    assert stat.S_IMODE((tmp_path / ".secrets" / "pseudonym.key").stat().st_mode) == 0o600
    assert Settings.from_env({"LYO_DATA_DIR": str(tmp_path), "LYO_PSEUDONYM_KEY": "mine"}).pseudonym_key == "mine"


def test_of_two_that_make_a_key_at_once_one_wins(tmp_path, monkeypatch):
    key = make_key_file(str(tmp_path))
    from lyo_pipelines.config import settings

    monkeypatch.setattr(settings, "_key_file", lambda data_dir: None)  # both looked before either had written
    assert make_key_file(str(tmp_path)) == key
