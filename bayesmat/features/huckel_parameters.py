"""Numbers of the Hueckel method, all from the literature; none is fitted to data of this project.

Coulomb integrals are alpha_X = alpha_C + h_X beta, resonance integrals beta_XY = k_XY beta. A digit
counts the electrons that the atom gives to the pi system: N1 is pyridine's nitrogen, N2 pyrrole's.

References:
    Van-Catledge, A Pariser-Parr-Pople-based set of Hueckel molecular orbital parameters, 1980,
        doi:10.1021/jo01311a060 (B to S2 below).
    Streitwieser, Molecular Orbital Theory for Organic Chemists, 1961 (N+, Br).
    Monatshefte fuer Chemie 100 (1969) 1003 (I).
"""

from __future__ import annotations

from types import MappingProxyType

__all__ = ["COULOMB", "ELECTRONS", "LONE_PAIR", "TWIST_ANGLES", "resonance"]

COULOMB = MappingProxyType(
    {
        "B": -0.45,
        "C": 0.0,
        "N1": 0.51,
        "N2": 1.37,
        "O1": 0.97,
        "O2": 2.09,
        "F": 2.71,
        "P1": 0.19,
        "P2": 0.75,
        "S1": 0.46,
        "S2": 1.11,
        "Cl": 1.48,
        "Br": 1.5,
        "I": 0.78,
        "N+": 2.0,
    }
)
ELECTRONS = MappingProxyType(
    {t: 0 if t == "B" else 2 if t[-1] in "2Flr" or t == "I" else 1 for t in COULOMB}
)

_ORDER = ("B", "C", "Cl", "F", "N1", "N2", "O1", "O2", "P1", "P2", "S1", "S2")
_TRIANGLE = (  # k_XY of Van-Catledge, row by row in the order above
    (0.87,),
    (0.73, 1.00),
    (0.41, 0.62, 0.68),
    (0.26, 0.52, 0.51, 1.04),
    (0.66, 1.02, 0.77, 0.65, 1.09),
    (0.53, 0.89, 0.80, 0.77, 0.99, 0.98),
    (0.60, 1.06, 0.88, 0.92, 1.14, 1.13, 1.26),
    (0.35, 0.66, 0.70, 0.94, 0.80, 0.89, 1.02, 0.95),
    (0.53, 0.77, 0.35, 0.21, 0.78, 0.55, 0.75, 0.31, 0.63),
    (0.54, 0.76, 0.55, 0.22, 0.81, 0.64, 0.82, 0.39, 0.58, 0.63),
    (0.51, 0.81, 0.52, 0.28, 0.83, 0.68, 0.84, 0.43, 0.65, 0.65, 0.68),
    (0.44, 0.69, 0.59, 0.32, 0.78, 0.73, 0.85, 0.54, 0.48, 0.60, 0.58, 0.63),
)
_PAIRS = {
    pair: k
    for x, row in zip(_ORDER, _TRIANGLE, strict=True)
    for y, k in zip(_ORDER, row, strict=False)
    for pair in ((x, y), (y, x))
}
_SINGLE = {"Br": 0.3, "I": 0.19, "N+": 1.0}


def resonance(x: str, y: str) -> float:
    """k_XY of two pi atom types; Br, I and N+ have one value for every partner.

    >>> resonance("C", "O1"), resonance("O1", "C"), resonance("Br", "C")
    (1.06, 1.06, 0.3)
    """
    pair = _PAIRS.get((x, y))
    if pair is not None:
        return pair
    return min(_SINGLE[t] for t in (x, y) if t in _SINGLE)


# Lone pairs outside the pi system, on the same scale: x = (IE - 6.5 eV) / 2.73 eV, the
# line through pi ionisation energies of aromatic hydrocarbons (benzene 9.24 eV at x = 1), on
# vertical ionisation energies measured by photoelectron spectroscopy. Two lone pairs of a molecule
# split by through-space and through-bond interaction (COUPLING, by number of bonds between).
#   References: Kimura et al., Handbook of HeI Photoelectron Spectra, 1981; Gleiter et al. (azines),
#   1972, doi:10.1002/hlca.19720550130.
LONE_PAIR = MappingProxyType(
    {
        "imine": 1.15,  # pyridine 9.6 eV
        "ketone": 1.15,  # acetone 9.7
        "aldehyde": 1.35,  # acetaldehyde 10.2
        "amide": 1.40,  # formamide 10.2
        "ester": 1.65,  # methyl acetate 10.5-11, acids 11
        "thione": 0.80,  # thioketones 8.6
        "amine3": 0.50,  # trialkylamines 7.9
        "amine2": 0.80,  # dialkylamines 8.6
        "amine1": 1.05,  # alkylamines 9.4
        "ammonia": 1.5,
        "sulfide": 0.73,  # dialkyl sulfides 8.4
        "thiol": 1.0,  # 9.3
        "hydrogen_sulfide": 1.4,
        "ether": 1.2,  # 9.7
        "alcohol": 1.5,  # 10.5
        "water": 2.1,
        "bromide": 1.46,  # 10.5
        "iodide": 1.1,  # 9.5
    }
)
COUPLING = MappingProxyType({1: 0.37, 2: 0.27, 3: 0.33})  # azomethane, pyrimidine, pyrazine

# Torsion (degrees) about a single bond between two conjugated parts, by the clash of the groups in
# the better of the two planar arrangements: 2 is biphenyl (44 in the gas phase), 3 one ortho
# methyl, 4 two. Five-membered rings hold their neighbours further apart.
TWIST_ANGLES = MappingProxyType({6: (0, 15, 40, 57, 75, 88), 5: (0, 0, 25, 40, 60, 80)})
