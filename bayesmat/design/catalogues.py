"""Public alert catalogues, less the entries that say nothing about stability.

BRENK (Brenk et al. 2008, doi:10.1002/cmdc.200700139) and NIH (Doveston et al. 2015,
doi:10.1039/C4OB02287D; Jadhav et al. 2010, doi:10.1021/jm901070c) were made for drug screening:
half of ordinary chemistry fails them because it is flat, fatty, toxic or binds proteins. A material
may be all of that. The names below are dropped, each with its reason; everything else is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["HARMLESS"]

_FATTY = "a long chain is poorly soluble, not unstable"
_METABOLISM = "metabolised in the body, stable in a bottle"
_ALKYLATING = "may alkylate proteins; alkyl halides are shelf reagents"
_MICHAEL = "may bind thiols of proteins; conjugated acceptors are ordinary dyes and monomers"
_TOXIC = "toxic or mutagenic on long exposure, an ordinary stable structure"
_PAH = "polycycles are dyes and semiconductors; the filter caps fused arenes itself"
_HALOGEN = "halogenated arenes are inert"
_REDOX = "may be oxidised in an assay; phenols and anilines are shelf chemicals"
_OWN = "too broad; the filter's own alerts refuse the unstable members"
_ASSAY = "disturbs biochemical assays only"
_ACYLATING = "may acylate proteins; the class is stable to air and water at room temperature"

_BRENK = {
    "Aliphatic_long_chain": _FATTY,
    "isolated_alkene": _METABOLISM,
    "alkyl_halide": _ALKYLATING,
    "aldehyde": _MICHAEL,
    "aniline": _TOXIC,
    "imine_1": _OWN,
    "imine_2": _OWN,
    "Michael_acceptor_1": _MICHAEL,
    "Michael_acceptor_4": _MICHAEL,
    "conjugated_nitrile_group": _MICHAEL,
    "beta-keto/anhydride": _OWN,
    "triple_bond": _METABOLISM,
    "het-C-het_not_in_ring": _OWN,
    "acyclic_C=C-O": _OWN,
    "polyene": _OWN,
    "Polycyclic_aromatic_hydrocarbon_1": _PAH,
    "Polycyclic_aromatic_hydrocarbon_2": _PAH,
    "Polycyclic_aromatic_hydrocarbon_3": _PAH,
    "halogenated_ring_1": _HALOGEN,
    "halogenated_ring_2": _HALOGEN,
    "2-halo_pyridine": _HALOGEN,
    "stilbene": _TOXIC,
    "phthalimide": _TOXIC,
    "catechol": _REDOX,
    "hydroquinone": _REDOX,
    "diaminobenzene_1": _REDOX,
    "diaminobenzene_2": _REDOX,
    "diaminobenzene_3": _REDOX,
    "benzidine": _TOXIC,
    "phenol_ester": _ACYLATING,
    "phenyl_carbonate": _ACYLATING,
    ">_2_ester_groups": _METABOLISM,
    "thioester": _ACYLATING,
    "cumarine": _TOXIC,
    "thiol_1": _REDOX,
    "thiol_2": _REDOX,
    "hydantoin": _METABOLISM,
    "cycloheptane_1": _METABOLISM,
    "cycloheptane_2": _METABOLISM,
    "azepane": _METABOLISM,
    "triphenyl_methyl-silyl": _ASSAY,
}
_NIH = {
    "gte_10_carbon_sb_chain": _FATTY,
    "gte_8_CF2_or_CH2": _FATTY,
    "primary_halide_sulfate": _ALKYLATING,
    "secondary_halide_sulfate": _ALKYLATING,
    "tertiary_halide_sulfate": _ALKYLATING,
    "alpha_halo_carbonyl": _ALKYLATING,
    "alpha_halo_EWG": _ALKYLATING,
    "aldehyde": _MICHAEL,
    "acrylate": _MICHAEL,
    "halo_acrylate": _MICHAEL,
    "trisub_bis_act_olefin": _MICHAEL,
    "maleimide_etc": _MICHAEL,
    "non_ring_acetal": _OWN,
    "non_ring_ketal": _OWN,
    "non_ring_CH2O_acetal": _OWN,
    "polyene": _OWN,
    "linear_polycyclic_aromatic_I": _PAH,
    "linear_polycyclic_aromatic_II": _PAH,
    "branched_polycyclic_aromatic": _PAH,
    "trifluoromethyl_ketone": _ASSAY,
    "keto_def_heterocycle": _ASSAY,
    "2halo_pyridine_3EWG": _HALOGEN,
    "2halo_pyridine_5EWG": _HALOGEN,
    "4halo_pyridine_3EWG": _HALOGEN,
    "perhalo_phenyl": _HALOGEN,
    "polyhalo_phenol_a": _HALOGEN,
    "polyhalo_phenol_b": _HALOGEN,
    "polyhalo_phenol_c": _HALOGEN,
    "polyhalo_phenol_d": _HALOGEN,
    "polyhalo_phenol_e": _HALOGEN,
    "ortho_hydroquinone": _REDOX,
    "para_hydroquinone": _REDOX,
    "ortho_hydroiminoquinone": _REDOX,
    "para_hydroiminoquinone": _REDOX,
    "benzidine_like": _TOXIC,
    "flavanoid": _ASSAY,
    "4_pyridone_3_5_EWG": _ASSAY,
    "acyclic_imide": _ACYLATING,
    "thioester": _ACYLATING,
    "aryl_thiocarbonyl": _ACYLATING,
    "thiol_warhead": _REDOX,
    "gte_3_COOH": _ASSAY,
}

HARMLESS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {"BRENK": MappingProxyType(_BRENK), "NIH": MappingProxyType(_NIH)}
)
"""Entries dropped from each catalogue: name -> why it is harmless in a material."""
