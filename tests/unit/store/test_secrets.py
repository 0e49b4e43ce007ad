import pytest

from isocost.errors import InvalidInput, NotFound
from isocost.store.secrets import SecretFile


@pytest.fixture
def path(tmp_path):
    return tmp_path / "home" / "credentials.toml"


def test_token_is_kept_for_the_user_alone(path):
    SecretFile(path, {}).put("prod.eu", "dapi-1")
    assert SecretFile(path, {}).token_of("prod.eu") == "dapi-1"
    assert path.stat().st_mode & 0o777 == 0o600


def test_environment_wins_over_the_file(path):
    SecretFile(path, {}).put("prod.eu", "dapi-1")
    assert SecretFile(path, {"ISOCOST_TOKEN_PROD_EU": "dapi-2"}).token_of("prod.eu") == "dapi-2"


def test_missing_token_names_every_place_searched(path):
    with pytest.raises(NotFound) as raised:
        SecretFile(path, {}).token_of("prod")
    assert "ISOCOST_TOKEN_PROD" in str(raised.value)
    assert str(path) in str(raised.value)


def test_other_workspaces_keep_theirs(path):
    secrets = SecretFile(path, {})
    secrets.put("a", "dapi-1")
    secrets.put("b", "dapi-2")
    secrets.remove("a")
    assert secrets.token_of("b") == "dapi-2"
    with pytest.raises(NotFound):
        secrets.token_of("a")


def test_webhook_secret_outlives_a_new_token(path):
    secrets = SecretFile(path, {})
    secrets.put("a", "dapi-1")
    drawn = secrets.webhook_secret_of("a")
    secrets.put("a", "dapi-2")
    assert secrets.webhook_secret_of("a") == drawn
    assert len(drawn) >= 32


def test_file_that_others_can_read_is_refused(path):
    SecretFile(path, {}).put("a", "dapi-1")
    path.chmod(0o644)
    with pytest.raises(InvalidInput, match="chmod 600"):
        SecretFile(path, {}).token_of("a")


def test_broken_file_is_refused_without_quoting_it(path):
    path.parent.mkdir()
    path.write_text('[a]\ntoken = "dapi-1')
    path.chmod(0o600)
    with pytest.raises(InvalidInput) as raised:
        SecretFile(path, {}).put("b", "dapi-2")
    assert "dapi-1" not in str(raised.value)
    assert path.read_text() == '[a]\ntoken = "dapi-1'


@pytest.mark.parametrize("token", ["", "two words", "line\nbreak", "dapi-ü"])
def test_what_is_no_token_is_refused_unquoted(path, token):
    with pytest.raises(InvalidInput) as raised:
        SecretFile(path, {}).put("a", token)
    assert not token or token not in str(raised.value)
    assert not path.exists()


def test_tokens_are_not_shown(path):
    assert "dapi" not in repr(SecretFile(path, {"ISOCOST_TOKEN_A": "dapi-1"}))
