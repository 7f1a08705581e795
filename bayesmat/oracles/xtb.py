"""Semi-empirical quantum chemistry of one molecule by extended tight binding (tblite)."""

from __future__ import annotations

import io
import math
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from typing import Any, Literal

import numpy as np
from ase import Atoms
from ase.optimize import LBFGS
from rdkit import Chem
from rdkit.Chem import rdDetermineBonds, rdDistGeom, rdForceFieldHelpers
from rdkit.rdBase import BlockLogs
from tblite.ase import TBLite
from tblite.interface import Calculator

from bayesmat._arguments import names, seed_of, settle
from bayesmat._probe import numbers_digest
from bayesmat.data.materials import Kind
from bayesmat.data.properties import Property
from bayesmat.errors import OracleError

from .base import Evaluation, Failure

__all__ = ["XTB"]

Method = Literal["GFN1-xTB", "GFN2-xTB"]

_BOHR = 0.529177210903  # angstrom
_HARTREE = 27.211386245988  # eV
_DEBYE = 2.541746473  # per e * bohr
_HEAVIEST = 86
_FORCE_FIELD_STEPS = 2000
_OPTIMISER_STEPS = 500
_LONGEST = 2**31 - 1  # seconds, RDKit counts them in an int; 0 would mean no limit
_FMAX = 0.02  # eV / angstrom
_LIBRARIES = ("tblite", "rdkit", "ase")
_TESTS = ("O", "c1ccncc1", "CC=O")


class _Failed(Exception):
    """Carries a reason code and a detail to the place where the failure is recorded."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code, detail)
        self.code, self.detail = code, detail


@dataclass(frozen=True)
class XTB:
    """GFN1- or GFN2-xTB orbital gap, dipole moment and energy of a molecule given as SMILES.

    The geometry is one conformer: ETKDGv3 with a fixed seed, relaxed by MMFF94, and by the
    method itself if `optimise` (LBFGS until no force exceeds 0.02 eV/angstrom). About 15 ms a
    single point at 3-16 heavy atoms, and 20 times as much with `optimise`.

    The gap is the difference of orbital energies, which is neither the optical nor the
    fundamental gap: GFN1 puts quinoline at 2.8 eV and anthracene at 1.9 eV. It ranks
    pi-conjugated molecules as B3LYP does (B3LYP = 1.69 + 1.04 GFN1, in eV, RMSE 0.3 on 22
    molecules); for ranking gaps prefer GFN1 to GFN2. Do not read a flexible molecule's gap or
    dipole as an ensemble average: it is that of one conformer.

    References: Grimme, Bannwarth, Shushkov 2017, doi:10.1021/acs.jctc.7b00118 (GFN1);
    Bannwarth, Ehlert, Grimme 2019, doi:10.1021/acs.jctc.8b01176 (GFN2).

    Attributes:
        method: `"GFN1-xTB"` or `"GFN2-xTB"`.
        optimise: Relax the geometry with the method before the properties are taken.
        seed: Seed of the conformer.
        time_limit_s: Seconds per molecule. `WorkerPool` enforces it whatever hangs; in the
            calling process it is looked at between the steps.

    Raises:
        OracleError: Unknown method or a time limit that is not positive.

    >>> (benzene,) = XTB("GFN1-xTB")(["c1ccccc1"])
    >>> round(benzene.values["gap"], 1), benzene.values["dipole"] < 0.01
    (4.8, True)
    >>> XTB()(["[UH6]"])[0].failure
    'unsupported element: U'
    """

    method: Method = "GFN1-xTB"
    optimise: bool = False
    seed: int = 7
    time_limit_s: float = 60.0

    def __post_init__(self) -> None:
        settle(self)
        seed_of(self.seed, "XTB(seed)")
        if self.method not in ("GFN1-xTB", "GFN2-xTB"):
            raise OracleError(
                f"unknown method {self.method!r}: the numbers of a campaign belong to one method. "
                "Give 'GFN1-xTB' or 'GFN2-xTB'."
            )
        if not self.time_limit_s > 0:
            raise OracleError(
                f"time_limit_s = {self.time_limit_s}: every molecule would time out. "
                "Give a positive number of seconds."
            )

    @property
    def properties(self) -> tuple[Property, ...]:
        """Orbital gap (eV), dipole moment (debye) and total energy (eV)."""
        return (Property("gap", "eV"), Property("dipole", "debye"), Property("energy", "eV"))

    @property
    def kind(self) -> Kind:
        """The kind of material that it answers about: molecules."""
        return "smiles"

    @property
    def digest(self) -> str:
        """Method, geometry, seed, and a hash of what it gives for three molecules."""
        geometry = f"LBFGS({_FMAX})" if self.optimise else "MMFF94"
        numbers = _tested(self.method, self.optimise, self.seed, *map(version, _LIBRARIES))
        return f"xtb/{self.method}/{geometry}/seed {self.seed}/numbers {numbers}"

    def __call__(self, materials: Sequence[str]) -> tuple[Evaluation, ...]:
        """Evaluate molecules given as SMILES; failures are recorded, not raised."""
        materials = names(materials, "materials")
        return tuple(self._evaluate(material) for material in materials)

    def _evaluate(self, smiles: str) -> Evaluation:
        start = time.monotonic()
        try:
            molecule = _parse(smiles)
            xyz = _embed(molecule, self.seed, start + self.time_limit_s)
            if self.optimise:
                xyz = _relax(molecule, xyz, self.method, start + self.time_limit_s)
            _check_clock(start + self.time_limit_s)
            values = _single_point(molecule, xyz, self.method)
        except _Failed as failed:
            cost = time.monotonic() - start
            return Evaluation.failed(smiles, failed.code, failed.detail, cost_s=cost)
        return Evaluation(smiles, values, cost_s=time.monotonic() - start).checked()


@lru_cache(maxsize=16)
def _tested(method: Method, optimise: bool, seed: int, *_releases: str) -> str:
    """Hash of gap and energy of three molecules, to three digits."""
    answers = XTB(method, optimise, seed)(_TESTS)
    return numbers_digest([[*a.values.values()][::2] for a in answers], digits=3)


def _check_clock(deadline: float) -> None:
    if time.monotonic() > deadline:
        raise _Failed(Failure.TIMED_OUT)


def _parse(smiles: str) -> Chem.Mol:
    """Return the molecule with hydrogens, or fail if the method has no sensible answer for it."""
    with BlockLogs():
        molecule = Chem.MolFromSmiles(smiles)
    if molecule is None or molecule.GetNumAtoms() == 0:
        raise _Failed(Failure.UNPARSABLE, f"RDKit cannot read {smiles!r} as SMILES")
    if len(Chem.GetMolFrags(molecule)) > 1:
        raise _Failed(Failure.UNPARSABLE, "several fragments; give one molecule")
    molecule = Chem.AddHs(molecule)
    heavy = {a.GetSymbol() for a in molecule.GetAtoms() if not 0 < a.GetAtomicNum() <= _HEAVIEST}
    if heavy:
        raise _Failed(Failure.ELEMENT, ", ".join(sorted(heavy)))
    electrons = sum(a.GetAtomicNum() for a in molecule.GetAtoms()) - Chem.GetFormalCharge(molecule)
    if electrons % 2 or any(a.GetNumRadicalElectrons() for a in molecule.GetAtoms()):
        raise _Failed(Failure.OPEN_SHELL, "the orbital gap needs a closed shell")
    return molecule


def _embed(molecule: Chem.Mol, seed: int, deadline: float) -> np.ndarray:
    """Return the positions (atoms x 3, angstrom) of the ETKDGv3 + MMFF94 conformer."""
    parameters: Any = rdDistGeom.ETKDGv3()  # its stubs deny that it can be set
    parameters.randomSeed = seed if seed < 2**31 else random.Random(seed).getrandbits(31)
    seconds = math.ceil(deadline - time.monotonic())
    parameters.timeout = min(max(1, seconds), _LONGEST)
    with BlockLogs():
        failed = rdDistGeom.EmbedMolecule(molecule, parameters) != 0
        if failed:
            _check_clock(deadline)
            parameters.useRandomCoords = True
            failed = rdDistGeom.EmbedMolecule(molecule, parameters) != 0
        _check_clock(deadline)
        if failed:
            raise _Failed(Failure.EMBEDDING, "ETKDGv3 found no three-dimensional structure")
        if not rdForceFieldHelpers.MMFFHasAllMoleculeParams(molecule):
            raise _Failed(Failure.FORCE_FIELD, "MMFF94 lacks parameters for this molecule")
        for _ in range(5):
            if rdForceFieldHelpers.MMFFOptimizeMolecule(molecule, maxIters=_FORCE_FIELD_STEPS) == 0:
                return np.asarray(molecule.GetConformer().GetPositions(), dtype=np.float64)
            _check_clock(deadline)
    raise _Failed(Failure.FORCE_FIELD, f"not converged in {5 * _FORCE_FIELD_STEPS} MMFF94 steps")


def _relax(molecule: Chem.Mol, xyz: np.ndarray, method: Method, deadline: float) -> np.ndarray:
    """Return the positions relaxed by the method, if the molecule stays the same molecule."""
    atoms = Atoms(_numbers(molecule), xyz)
    charge = float(Chem.GetFormalCharge(molecule))
    atoms.calc = TBLite(method=method, charge=charge, verbosity=0)
    optimiser = LBFGS(atoms, logfile=io.StringIO())
    converged = False
    try:
        for step in optimiser.irun(fmax=_FMAX, steps=_OPTIMISER_STEPS):
            converged = bool(step)
            _check_clock(deadline)
    except (RuntimeError, ValueError) as error:  # what tblite and ase raise when an SCF fails
        raise _Failed(Failure.SCF, str(error)) from error
    if not converged:
        raise _Failed(Failure.GEOMETRY, f"{_OPTIMISER_STEPS} LBFGS steps")
    relaxed = np.asarray(atoms.get_positions(), dtype=np.float64)
    before, after = _bonds(molecule, xyz), _bonds(molecule, relaxed)
    if before != after:
        raise _Failed(Failure.REARRANGED, f"{len(before ^ after)} bonds made or broken")
    return relaxed


def _single_point(molecule: Chem.Mol, xyz: np.ndarray, method: Method) -> dict[str, float]:
    try:
        charge = float(Chem.GetFormalCharge(molecule))
        calculator = Calculator(method, _numbers(molecule), xyz / _BOHR, charge=charge)
        calculator.set("verbosity", 0)
        result = calculator.singlepoint()
    except (RuntimeError, ValueError) as error:
        raise _Failed(Failure.SCF, str(error)) from error
    energies = result.get("orbital-energies") * _HARTREE
    # Counted, not read off the occupations, which are smeared where orbitals nearly coincide.
    occupied = round(float(result.get("orbital-occupations").sum()) / 2)
    return {
        "gap": float(energies[occupied] - energies[occupied - 1]),
        "dipole": float(np.linalg.norm(result.get("dipole"))) * _DEBYE,
        "energy": float(result.get("energy")) * _HARTREE,
    }


def _numbers(molecule: Chem.Mol) -> np.ndarray:
    return np.array([a.GetAtomicNum() for a in molecule.GetAtoms()])


def _bonds(molecule: Chem.Mol, xyz: np.ndarray) -> frozenset[tuple[int, int]]:
    """Return the pairs of atoms that are bonded by their distance."""
    geometry = Chem.RWMol()
    for number in _numbers(molecule):
        geometry.AddAtom(Chem.Atom(int(number)))
    conformer = Chem.Conformer(len(xyz))
    conformer.SetPositions(np.ascontiguousarray(xyz))
    geometry.AddConformer(conformer)
    rdDetermineBonds.DetermineConnectivity(geometry)
    ends = ((b.GetBeginAtomIdx(), b.GetEndAtomIdx()) for b in geometry.GetBonds())
    return frozenset((min(pair), max(pair)) for pair in ends)
