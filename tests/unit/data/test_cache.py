from bayesmat.data.cache import cache_dir


def test_the_environment_names_the_folder_and_it_is_made(tmp_path, monkeypatch):
    monkeypatch.setenv("BAYESMAT_CACHE", str(tmp_path / "a" / "b"))
    assert cache_dir() == tmp_path / "a" / "b"
    assert cache_dir().is_dir()


def test_without_it_the_cache_of_the_user_is_taken(tmp_path, monkeypatch):
    monkeypatch.delenv("BAYESMAT_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert "bayesmat" in str(cache_dir())
    assert cache_dir().is_relative_to(tmp_path)
