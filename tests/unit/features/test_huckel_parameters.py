from bayesmat.features.huckel_parameters import (
    COULOMB,
    COUPLING,
    ELECTRONS,
    LONE_PAIR,
    TWIST_ANGLES,
    resonance,
)


def test_types_give_the_electrons_of_their_digit():
    assert {t: ELECTRONS[t] for t in ("B", "C", "N1", "O1", "N+", "N2", "O2", "F", "Cl", "I")} == {
        "B": 0, "C": 1, "N1": 1, "O1": 1, "N+": 1, "N2": 2, "O2": 2, "F": 2, "Cl": 2, "I": 2,
    }  # fmt: skip


def test_every_pair_of_types_has_a_resonance_integral():
    for x in COULOMB:
        for y in COULOMB:
            assert 0 < resonance(x, y) == resonance(y, x) < 1.5


def test_van_catledge_by_name():
    # The rows that every textbook prints.
    assert (COULOMB["N1"], COULOMB["N2"], COULOMB["O1"], COULOMB["O2"]) == (0.51, 1.37, 0.97, 2.09)
    carbon = {x: resonance("C", x) for x in ("N1", "N2", "O1", "O2", "F", "Cl", "S1", "S2", "B")}
    assert carbon == {
        "N1": 1.02, "N2": 0.89, "O1": 1.06, "O2": 0.66, "F": 0.52, "Cl": 0.62, "S1": 0.81,
        "S2": 0.69, "B": 0.73,
    }  # fmt: skip


def test_lone_pairs_order_as_ionisation_energies_do():
    assert LONE_PAIR["amine3"] < LONE_PAIR["amine2"] < LONE_PAIR["amine1"] < LONE_PAIR["ammonia"]
    assert LONE_PAIR["sulfide"] < LONE_PAIR["ether"] < LONE_PAIR["alcohol"] < LONE_PAIR["water"]
    assert LONE_PAIR["ketone"] < LONE_PAIR["aldehyde"] < LONE_PAIR["ester"]
    assert all(0 < split < 1 for split in COUPLING.values())


def test_more_crowding_twists_more_and_small_rings_twist_less():
    for angles in TWIST_ANGLES.values():
        assert list(angles) == sorted(angles)
        assert angles[0] == 0
        assert angles[-1] <= 90
    assert all(five <= six for five, six in zip(TWIST_ANGLES[5], TWIST_ANGLES[6], strict=True))
