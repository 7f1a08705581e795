import dataclasses
import time

import pytest
from rdkit.Chem import rdDistGeom, rdForceFieldHelpers

from bayesmat.errors import OracleError
from bayesmat.oracles import XTB, xtb

QUINOLINE = "c1ccc2ncccc2c1"
ANTHRACENE = "c1ccc2cc3ccccc3cc2c1"
AZOBENZENE = "c1ccc(/N=N/c2ccccc2)cc1"


@pytest.mark.parametrize(
    ("method", "material", "gap"),
    [
        ("GFN1-xTB", QUINOLINE, 2.77),
        ("GFN1-xTB", ANTHRACENE, 1.92),
        ("GFN1-xTB", AZOBENZENE, 2.22),
        ("GFN2-xTB", QUINOLINE, 2.23),
        ("GFN2-xTB", ANTHRACENE, 1.94),
        ("GFN2-xTB", AZOBENZENE, 1.36),
    ],
)
def test_gaps_of_known_molecules(method, material, gap):
    (answer,) = XTB(method)([material])
    assert answer.values["gap"] == pytest.approx(gap, abs=0.02)
    assert 0 < answer.cost_s < 10


def test_water():
    (water,) = XTB("GFN2-xTB", optimise=True)(["O"])
    # Total energy and dipole of GFN2-xTB's own water, -5.0703 hartree and 2.2 debye.
    assert water.values["energy"] == pytest.approx(-5.0703 * 27.2114, abs=0.02)
    assert water.values["dipole"] == pytest.approx(2.217, abs=0.02)


def test_relaxing_lowers_the_energy_and_keeps_the_molecule():
    (rough,), (relaxed,) = XTB()([QUINOLINE]), XTB(optimise=True)([QUINOLINE])
    assert relaxed.failure is None
    assert -1.0 < relaxed.values["energy"] - rough.values["energy"] < 0.0


def test_the_same_seed_gives_the_same_numbers():
    flexible = "CCCCCC(=O)OCCc1ccccc1"
    (first,), (again,), (other,) = (XTB(seed=s)([flexible]) for s in (7, 7, 8))
    assert first.values == again.values
    assert first.values != other.values


@pytest.mark.parametrize(
    ("material", "reason"),
    [
        ("c1cncc", "unparsable: RDKit cannot read 'c1cncc'"),
        ("", "unparsable"),
        ("C.CC", "unparsable: several fragments"),
        ("[UH6]", "unsupported element: U"),
        ("*CC*", "unsupported element: *"),
        ("C[CH2]", "open shell"),
        ("CC[Se]C", "force field failed: MMFF94 lacks parameters"),
        ("C1#CC1", "embedding failed: ETKDGv3 found no three-dimensional structure"),
    ],
)
def test_failures_are_recorded_with_their_reason(material, reason):
    (failed,) = XTB()([material])
    assert failed.failure is not None
    assert failed.failure.startswith(reason)
    assert failed.values == {}


def test_force_field_that_does_not_converge(monkeypatch):
    monkeypatch.setattr(rdForceFieldHelpers, "MMFFOptimizeMolecule", lambda *_, **__: 1)
    assert XTB()(["CCO"])[0].failure == "force field failed: not converged in 10000 MMFF94 steps"


@pytest.mark.parametrize("optimise", [False, True])
def test_scf_that_does_not_converge(monkeypatch, optimise):
    original = xtb.Calculator.singlepoint

    def short(self, *args, **kwargs):
        self.set("max-iter", 2)
        return original(self, *args, **kwargs)

    monkeypatch.setattr(xtb.Calculator, "singlepoint", short)
    (failed,) = XTB(optimise=optimise)(["CCO"])
    assert failed.failure is not None
    assert failed.failure.startswith("SCF not converged: ")
    assert "2 cycles" in failed.failure


def test_geometry_that_does_not_converge(monkeypatch):
    monkeypatch.setattr(xtb, "_OPTIMISER_STEPS", 1)
    assert XTB(optimise=True)(["CCO"])[0].failure == "geometry not converged: 1 LBFGS steps"


def test_a_molecule_that_rearranges_is_not_the_one_asked_about(monkeypatch):
    bonds = iter([frozenset({(0, 1), (1, 2)}), frozenset({(0, 1)})])
    monkeypatch.setattr(xtb, "_bonds", lambda *_: next(bonds))
    (failed,) = XTB(optimise=True)(["O"])
    assert failed.failure == "molecule rearranged: 1 bonds made or broken"


def test_bonds_are_those_of_the_molecule():
    molecule = xtb._parse("CCO")
    xyz = xtb._embed(molecule, 7, time.monotonic() + 10)
    drawn = {(b.GetBeginAtomIdx(), b.GetEndAtomIdx()) for b in molecule.GetBonds()}
    assert xtb._bonds(molecule, xyz) == drawn


@pytest.mark.parametrize("optimise", [False, True])
def test_the_clock_is_looked_at_between_the_steps(optimise):
    (failed,) = XTB(optimise=optimise, time_limit_s=1e-9)([ANTHRACENE])
    assert failed.failure == "timed out"


def test_embedding_is_told_its_time_limit(monkeypatch):
    limits = []
    original = rdDistGeom.EmbedMolecule

    def spy(molecule, parameters):
        limits.append(parameters.timeout)
        return original(molecule, parameters)

    monkeypatch.setattr(rdDistGeom, "EmbedMolecule", spy)
    XTB(time_limit_s=30)(["C"])
    assert limits == [30]


def test_nothing_is_printed(capfd):
    XTB("GFN1-xTB")(["CCO", "C1#CC1", "nonsense", "[UH6]"])
    XTB("GFN2-xTB", optimise=True)(["CO"])
    assert capfd.readouterr() == ("", "")


def test_charge_is_part_of_the_molecule():
    # Counted as neutral, ammonium would have a ninth electron in an antibonding orbital.
    (ammonium,) = XTB()(["[NH4+]"])
    assert ammonium.values["gap"] == pytest.approx(11.56, abs=0.05)
    (nitromethane,) = XTB()(["C[N+](=O)[O-]"])
    assert nitromethane.values["gap"] == pytest.approx(4.10, abs=0.05)


def test_digest_changes_with_every_setting():
    oracle = XTB()
    changed = [{"method": "GFN2-xTB"}, {"optimise": True}, {"seed": 8}]
    digests = {oracle.digest, *(dataclasses.replace(oracle, **c).digest for c in changed)}
    assert len(digests) == 4
    assert dataclasses.replace(oracle, time_limit_s=1.0).digest == oracle.digest


def test_settings_that_make_no_sense_are_refused():
    with pytest.raises(OracleError, match=r"unknown method 'PM7'.*'GFN1-xTB' or 'GFN2-xTB'"):
        XTB("PM7")
    with pytest.raises(OracleError, match="time_limit_s = 0"):
        XTB(time_limit_s=0)


def test_a_seed_beyond_what_rdkit_takes_is_one_too() -> None:
    (first,), (again,) = (XTB(seed=2**63 - 1)(["CCO"]) for _ in range(2))
    assert first.values == again.values
    assert first.values["gap"] > 5.0
