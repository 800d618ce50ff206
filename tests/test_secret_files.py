"""Settings from files of a folder, as container engines and systemd hand secrets over."""

from __future__ import annotations

from pathlib import Path

import pytest

from digest.config import read_settings, unknown_settings
from digest.errors import ConfigError
from digest.store.engine import open_engine
from digest.wiring import Services

SECRET = "c2VudGVuY2UgbWFkZSBmb3IgdGVzdHMgb25seSwgNDIh"


@pytest.fixture
def secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of secrets, named by the environment."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "secrets"
    folder.mkdir()
    monkeypatch.setenv("DIGEST_SECRETS_DIR", str(folder))
    return folder


def test_each_file_is_a_setting_and_the_environment_wins(secrets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (secrets / "digest_secret_key").write_text(f"{SECRET}, {SECRET[::-1]}\n")
    (secrets / "DIGEST_SMTP_URL").write_text("smtps://name:pass@relay.example.org\n")
    (secrets / "digest_site_name").write_text("From the file\n")
    monkeypatch.setenv("DIGEST_SITE_NAME", "From the environment")
    settings = read_settings()
    assert settings.strong_secrets() == [SECRET, SECRET[::-1]]
    assert settings.smtp_url == "smtps://name:pass@relay.example.org"
    assert settings.site_name == "From the environment"
    assert not unknown_settings()


def test_what_systemd_hands_over_is_read_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "digest_secret_key").write_text(SECRET)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert read_settings().strong_secrets() == [SECRET]


def test_a_misspelt_file_is_named_and_what_is_not_ours_is_left_alone(secrets: Path) -> None:
    (secrets / "digest_secret").write_text(SECRET)
    (secrets / "tls.pem").write_text("a key")
    assert unknown_settings() == ["DIGEST_SECRET"]


def test_a_folder_that_is_not_there_is_refused_by_its_name(secrets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGEST_SECRETS_DIR", str(secrets / "gone"))
    with pytest.raises(ConfigError, match=r"DIGEST_SECRETS_DIR names .*gone, which is no folder"):
        read_settings()


def test_a_bad_setting_in_a_file_is_named_like_any_other(secrets: Path) -> None:
    (secrets / "digest_base_url").write_text("nonsense")
    with pytest.raises(ConfigError, match="DIGEST_BASE_URL cannot be used"):
        read_settings()


def test_the_password_of_the_database_is_put_into_its_url(secrets: Path) -> None:
    (secrets / "digest_database_password").write_text("p@ss/word:%20\n")
    engine = Services(read_settings(database_url="postgresql://firstlight@db:5432/firstlight")).engine
    assert engine.url.password == "p@ss/word:%20"
    assert "p@ss" not in repr(engine.url)
    with pytest.raises(ConfigError, match="both name a password"):
        open_engine("postgresql://firstlight:one@db/firstlight", "two")
    assert open_engine("postgresql://firstlight:one@db/firstlight").url.password == "one"
