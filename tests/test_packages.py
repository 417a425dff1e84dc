import importlib

import pytest

from labcool.errors import ConfigurationError
from labcool.packages import check_packages


def test_the_packages_of_this_checkout_pass():
    check_packages()


def test_a_package_that_shadows_ours_is_named_with_its_place(tmp_path, monkeypatch):
    import drivers

    foreign = tmp_path / "drivers"
    foreign.mkdir()
    (foreign / "__init__.py").write_text("", encoding="utf-8")
    monkeypatch.delitem(__import__("sys").modules, drivers.__name__)
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    with pytest.raises(ConfigurationError, match="shadowed by") as caught:
        check_packages()
    assert str(foreign) in str(caught.value)


def test_a_missing_package_is_named():
    with pytest.raises(ConfigurationError, match="'no_such_sibling' is not installed"):
        check_packages(("no_such_sibling",))
