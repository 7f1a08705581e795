import pickle
from copy import deepcopy

import pytest

from bayesmat import errors
from bayesmat.errors import BadCell, BayesmatError, DataError, MissingExtraError, SurprisingValue


def test_one_root_catches_everything() -> None:
    own = {
        c for c in vars(errors).values() if isinstance(c, type) and c.__module__ == errors.__name__
    }
    assert {c.__name__ for c in own} == set(errors.__all__)
    assert all(issubclass(c, BayesmatError) for c in own - {BadCell, SurprisingValue})
    assert issubclass(SurprisingValue, UserWarning)
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


def test_a_long_list_is_cut_at_twenty_with_a_count_and_kept_whole() -> None:
    cells = [BadCell(i, "gap", "abc", "not a number") for i in range(2, 1819)]
    error = DataError("1817 cells cannot be used:", cells)
    lines = str(error).splitlines()
    assert len(lines) == 22
    assert lines[-1] == "  ... and 1,797 more"
    assert error.cells == tuple(cells)


def test_data_errors_survive_a_copy_and_a_worker() -> None:
    cells = [BadCell(i, "gap", "abc", "not a number") for i in range(2, 40)]
    error = DataError("these cells cannot be used:", cells)
    for copy in (pickle.loads(pickle.dumps(error)), deepcopy(error)):
        assert str(copy) == str(error)
        assert copy.cells == error.cells
