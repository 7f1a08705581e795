"""Grids are written as CSV or workbook by their suffix, and read back cell by cell."""

import pytest

from bayesmat.data.grid import read_raw, write_grid


@pytest.mark.parametrize("name", ["g.csv", "g.xlsx", "G.XLSX"])
def test_what_is_written_is_read(tmp_path, name):
    write_grid(tmp_path / name, ["a", "b"], [["x, y", 1 / 3], [None, 2.0], ["=1+1", None]])
    raw = read_raw(tmp_path / name)
    assert raw.header == ("a", "b")
    assert raw.columns[0].tolist() == ["x, y", "", "=1+1"]
    assert [float(cell or "nan") for cell in raw.columns[1]][:2] == [1 / 3, 2.0]
    assert raw.rows.tolist() == [2, 3, 4]
