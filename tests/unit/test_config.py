from __future__ import annotations

from pathlib import Path

import pytest

from memsvc.config import Settings, SettingsInvalid, is_loopback, load


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_defaults_are_embedded_and_closed() -> None:
    settings = load()
    assert settings.embedded
    assert settings.auth == "required"
    assert is_loopback(settings.listen)
    assert settings.sql_url.startswith("sqlite:///")


def test_arguments_win_over_the_environment_and_that_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "memsvc.toml"
    file.write_text('listen = "127.0.0.1:1"\nlog_level = "error"\nworker_concurrency = 7\n')
    monkeypatch.setenv("MEMSVC_LISTEN", "127.0.0.1:2")
    monkeypatch.setenv("MEMSVC_WORKER_CONCURRENCY", "8")
    settings = load(listen="127.0.0.1:3")
    assert (settings.listen, settings.worker_concurrency, settings.log_level) == ("127.0.0.1:3", 8, "error")


@pytest.mark.parametrize(
    ("content", "names", "says"),
    [
        ('listen = "7070"', "listen", "must be host:port"),
        ('listen = "127.0.0.1:99999"', "listen", "0 to 65535"),
        ('metrics_listen = "9090"', "metrics_listen", "must be host:port"),
        ('surprisal = "lm:"', "surprisal", "must be words or lm:MODEL"),
        ("gate_threshold = 1.5", "gate_threshold", "less than or equal to 1"),
        ('auth = "open"', "auth", "'required' or 'none'"),
        ('auth = "none"\nlisten = "0.0.0.0:7070"', "auth", "loopback"),
        ('lisen = "127.0.0.1:7070"', "lisen", "no such setting"),
        ('database_url = "mysql://x"', "database_url", "postgresql+psycopg://"),
        ('tls_cert_file = "a.pem"', "tls_key_file", "both or neither"),
        ('embedder = "litellm:openai/x"', "embedder_dimension", "required"),
        ('compressor = "llm"', "llm_model", "required"),
        ('query_planning = "llm"', "llm_model", "required"),
        ('compressor = "magic"', "compressor", "'auto', 'rules' or 'llm'"),
        ("listen = ", "memsvc.toml", "not TOML"),
    ],
)
def test_a_wrong_setting_is_named_with_what_is_allowed(tmp_path: Path, content: str, names: str, says: str) -> None:
    (tmp_path / "memsvc.toml").write_text(content)
    with pytest.raises(SettingsInvalid) as error:
        load()
    assert names in str(error.value)
    assert says in str(error.value)


@pytest.mark.parametrize(
    ("compressor", "model", "with_llm"),
    [("auto", "", False), ("auto", "openai/x", True), ("rules", "openai/x", False), ("llm", "openai/x", True)],
)
def test_a_language_model_compresses_where_one_is_set(compressor: str, model: str, with_llm: bool) -> None:
    assert load(compressor=compressor, llm_model=model).compresses_with_llm is with_llm


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match="no such file"):
        load(tmp_path / "gone.toml")


def test_an_error_does_not_show_the_value(tmp_path: Path) -> None:
    (tmp_path / "memsvc.toml").write_text('database_url = "mysql://root:hunter2@db"')
    with pytest.raises(SettingsInvalid) as error:
        load()
    assert "hunter2" not in str(error.value)


def test_the_documentation_names_every_setting() -> None:
    text = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text()
    missing = [name for name, field in Settings.model_fields.items() if f"`{name}`" not in text]
    assert not missing
    outdated = [
        name for name, field in Settings.model_fields.items() if (field.description or "").replace("|", "/") not in text
    ]
    assert not outdated
