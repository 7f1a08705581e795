import pytest

from bayesmat import errors
from bayesmat.errors import BadCell, BayesmatError, DataError, MissingExtraError


def test_one_root_catches_everything() -> None:
    own = {
        c for c in vars(errors).values() if isinstance(c, type) and c.__module__ == errors.__name__
    }
    assert {c.__name__ for c in own} == set(errors.__all__)
    assert all(issubclass(c, BayesmatError) for c in own - {BadCell})
    assert not issubclass(BadCell, BayesmatError)


def test_a_data_error_lists_every_cell_as_a_spreadsheet_numbers_it() -> None:
    cells = [BadCell(2, "gap", "abc", "not a number"), BadCell(0, "gap", "", "column is missing")]
    error = DataError("the file cannot be used:", cells)
    assert error.cells == tuple(cells)
    assert str(error) == (
        "the file cannot be used:\n"
        "  row 2, column 'gap': 'abc' - not a number\n"
        "  file, column 'gap': '' - column is missing"
    )


def test_data_errors_are_value_errors_for_those_who_do_not_know_the_tree() -> None:
    with pytest.raises(ValueError, match="nothing here"):
        raise DataError("nothing here")


def test_a_missing_extra_names_the_command_that_installs_it() -> None:
    assert 'pip install "bayesmat[dft]"' in str(MissingExtraError("pyscf", "dft"))
    assert issubclass(MissingExtraError, ImportError)
