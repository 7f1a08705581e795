"""Small real tables of one kind of measurement: what models are judged on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from bayesmat.errors import BadCell, DataError

from .datasets import chemicals_table, organic_key, read_source, structures
from .materials import Kind, Unreadable, try_canonical
from .properties import Property
from .public import load
from .table import PropertyTable

__all__ = ["flash_points", "photoswitches", "polymer_properties", "refractive_indices"]

_FLASH = "Safety/DIPPR T_flash Serat.csv"
_POLYMER: Mapping[str, Property] = {
    "density": Property("density", "g/cm^3"),
    "Cp": Property("Cp", "J/kg/K", "log"),
    "refractive_index": Property("refractive_index", ""),
    "thermal_conductivity": Property("thermal_conductivity", "W/m/K", "log"),
}
_SWITCH: Mapping[str, str] = {
    "E pi-pi*": "E isomer pi-pi* wavelength in nm",
    "E n-pi*": "E isomer n-pi* wavelength in nm",
    "Z pi-pi*": "Z isomer pi-pi* wavelength in nm",
    "Z n-pi*": "Z isomer n-pi* wavelength in nm",
}


def flash_points() -> PropertyTable:
    """Measured flash points (K, log scale) of about 480 organic liquids, from `chemicals`.

    The DIPPR values that Serat et al. (2017), doi:10.1016/j.fluid.2017.06.008, collected, of the
    molecules that `chemicals_table` would keep. Of the 870 values 380 are not multiples of
    0.01 K: they were calculated (methanol 242.18 K, measured 285 K; half of them are 6 K below
    IEC 60079-20-1 or more, where half of the others are within 2 K). They are in `dropped`.

    Not among the tasks of the source networks, but close to boiling points: exclude the molecules
    from the networks when you report errors.

    >>> table = flash_points()
    >>> round(float(table.values[table.materials.index("CCCCCC"), 0]))
    250
    """
    values = read_source(_FLASH)["T_flash"].dropna()
    rounded = (values.round(2) - values).abs() < 1e-6
    calculated = tuple(
        BadCell(0, "flash_point", f"{value:.6f} of CAS {cas}", "not a rounded number: calculated")
        for cas, value in values[~rounded].items()
    )
    drawn = structures(set(values[rounded].index))
    keys = {cas: key for cas, smiles in drawn.items() if (key := organic_key(smiles)) is not None}
    known = values[values.index.isin(keys.keys())]
    frame = pd.DataFrame({"flash_point": known.to_numpy()})
    table = one_row_each(
        [keys[cas] for cas in known.index], "smiles", (Property("flash_point", "K", "log"),), frame
    )
    return replace(table, dropped=table.dropped + calculated)


def refractive_indices() -> PropertyTable:
    """Refractive indices (sodium D line, 20 to 25 C) of about 4,000 organic molecules.

    A column of `chemicals_table`, where its measured cells are: one of the tasks of the source
    networks, so leave the molecules out of them (`zoo.load(..., exclude=...)`) when you report
    errors.
    """
    table = chemicals_table(progress=False).select(["refractive_index"])
    own = tuple(cell for cell in table.dropped if cell.column == "refractive_index")
    return replace(table.subset(~np.isnan(table.values[:, 0])), dropped=own)


def polymer_properties(properties: Sequence[str] = ("density", "Cp")) -> PropertyTable:
    """Molecular-dynamics properties of 1,077 amorphous homopolymers at 300 K and 1 atm (PI1070).

    Density (g/cm^3), heat capacity at constant pressure `Cp` (J/kg/K, log scale), refractive
    index, `thermal_conductivity` (W/m/K, log scale): means over up to five simulations. Standard
    deviations are those of the mean, from the replicates; NaN where there was only one. They are
    the scatter of the simulation alone. Groups are the polymer classes of the file.

    Args:
        properties: Which of the four.

    Raises:
        DataError: An unknown property, or the public file PI1070 cannot be had.

    References:
        Hayashi et al., RadonPy, 2022, doi:10.1038/s41524-022-00906-4.
    """
    unknown = [name for name in properties if name not in _POLYMER]
    if unknown:
        raise DataError(f"PI1070 has no properties {unknown} here; choose from {list(_POLYMER)}.")
    frame = load("PI1070")
    means = frame[list(properties)]
    runs = frame[[f"{name}_count" for name in properties]].to_numpy()
    spread = frame[[f"{name}_std" for name in properties]].to_numpy()
    with np.errstate(divide="ignore", invalid="ignore"):
        of_mean = np.where((runs > 1) & (spread > 0), spread / np.sqrt(runs), np.nan)
    return one_row_each(
        frame["smiles"].tolist(), "repeat_unit", tuple(_POLYMER[name] for name in properties),
        means, pd.DataFrame(of_mean, columns=list(properties)),
        tuple(f"class {label}" for label in frame["polymer_class"]),
    )  # fmt: skip


def photoswitches() -> PropertyTable:
    """Measured transition wavelengths (nm) of about 400 azo dyes: E and Z, pi-pi* and n-pi*.

    Four columns, most cells empty except `E pi-pi*`. Solvents differ and are not told for most.

    Raises:
        DataError: The public file Photoswitch cannot be had.

    References:
        Griffiths et al., Data-driven discovery of molecular photoswitches with multioutput
        Gaussian processes, 2022, doi:10.1039/D2SC04306H.
    """
    frame = load("Photoswitch")
    values = frame[list(_SWITCH.values())].set_axis(list(_SWITCH), axis=1)
    properties = tuple(Property(name, "nm") for name in _SWITCH)
    return one_row_each(frame["SMILES"].tolist(), "smiles", properties, values)


def one_row_each(
    materials: Sequence[str],
    kind: Kind,
    properties: tuple[Property, ...],
    values: pd.DataFrame,
    stds: pd.DataFrame | None = None,
    groups: tuple[str, ...] | None = None,
) -> PropertyTable:
    """One row per canonical material: the median of its values; what differed is in `dropped`."""
    found = try_canonical(materials, kind)
    dropped = [
        BadCell(row, "material", material, str(key))
        for row, (material, key) in enumerate(zip(materials, found, strict=True), start=2)
        if isinstance(key, Unreadable)
    ]
    rows: dict[str, list[int]] = {}
    for i, key in enumerate(found):
        if isinstance(key, str) and values.iloc[i].notna().any():
            rows.setdefault(key, []).append(i)
    keys = sorted(rows)
    y, sd = np.empty((len(keys), len(properties))), np.full((len(keys), len(properties)), np.nan)
    for k, key in enumerate(keys):
        for j, prop in enumerate(properties):
            cells = values[prop.name].iloc[rows[key]].dropna()
            y[k, j] = cells.median() if len(cells) else np.nan
            if len(cells) == 1 and stds is not None:
                sd[k, j] = stds[prop.name].loc[cells.index[0]]
            if cells.nunique() > 1:
                told = f"{key}: {cells.min():g} to {cells.max():g} {prop.unit}".rstrip()
                reason = f"{len(cells)} rows are this material; their median is kept"
                dropped.append(BadCell(int(cells.index[0]) + 2, prop.name, told, reason))
    labels = None if groups is None else tuple(groups[rows[key][0]] for key in keys)
    return PropertyTable(
        tuple(keys), kind, properties, y, sd, groups=labels, dropped=tuple(dropped)
    )
