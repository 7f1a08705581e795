import pytest

from bayesmat.data.properties import Condition, Property
from bayesmat.errors import DataError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("eV", Property("p", "eV")),
        ("log eV", Property("p", "eV", "log")),
        ("log  g/cm^3", Property("p", "g/cm^3", "log")),
        ("1", Property("p", "")),
        ("", Property("p", "")),
        ("log", Property("p", "", "log")),
        ("log 1", Property("p", "", "log")),
        ("{low|high}", Property("p", categories=("low", "high"))),
    ],
)
def test_parse_and_text_are_inverse(text, expected):
    prop = Property.parse("p", text)
    assert prop == expected
    assert Property.parse("p", prop.text) == prop


@pytest.mark.parametrize("text", ["K", "1", "{water|dmso}", "{}"])
def test_condition_parse_and_text_are_inverse(text):
    condition = Condition.parse("c", text)
    assert condition.text == text
    assert Condition.parse("c", condition.text) == condition


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "empty"),
        (" gap", "blanks"),
        ("gap\ud83d", "no character"),
        ("gap\0", "no character"),
        ("material", "column of its own"),
        ("group", "column of its own"),
        ("@T", "mark conditions"),
        ("sd(gap)", "standard deviations"),
        ("gap [eV]", "in brackets"),
        ("a\nb", "several lines"),
    ],
)
def test_unusable_names(name, message):
    with pytest.raises(DataError, match=message):
        Property(name, "eV")
    with pytest.raises(DataError, match=message):
        Condition(name, "eV")


def test_parts_that_do_not_fit_together():
    with pytest.raises(DataError, match=r"unknown unit 'furlong per blink'"):
        Property("v", "furlong per blink")
    with pytest.raises(DataError, match="scale 'log10'"):
        Property("v", "m/s", "log10")
    with pytest.raises(DataError, match="neither a unit"):
        Property("state", "K", categories=("a", "b"))
    with pytest.raises(DataError, match="distinct categories"):
        Property("state", categories=("a", "a"))
    with pytest.raises(DataError, match=r"categories \['a\|b'\]"):
        Property("state", categories=("a|b", "c"))
    with pytest.raises(DataError, match="both a unit and categories"):
        Condition("solvent", "K", categories=("a",))


def test_label_shows_the_unit():
    assert Property("gap", "eV", "log").label == "gap [eV]"
    assert Property("n", "1").label == "n"


@pytest.mark.parametrize("text", ["ln eV", "log10 eV", "Log eV", "log(eV)", "lg eV"])
def test_another_spelling_of_log_says_how_it_is_written(text):
    with pytest.raises(DataError, match="write 'log eV' for values in 'eV'"):
        Property.parse("gap", text)
