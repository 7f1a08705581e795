"""The substructures a chemist would laugh at, or could not keep in a bottle, with reasons.

Patterns are matched by RDKit's ``FilterCatalog``. What needs counting or a whole ring's view
(ring sizes, tautomers of arenes, fused arenes) is in `bayesmat.design.rings`.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ALERTS", "Alert"]


@dataclass(frozen=True)
class Alert:
    """One refused substructure.

    Attributes:
        name: Short name, used in verdicts.
        smarts: The pattern; ``.`` joins parts that may lie anywhere in the one molecule.
        reason: Why a molecule that holds it is not proposed, in words.
    """

    name: str
    smarts: str
    reason: str


_WEAK = "weak bond between two electronegative atoms: explosive, oxidising or light-sensitive"
_WATER = "hydrolyses in moist air"
_NITROGEN = "loses nitrogen"
_STRAIN = "too much strain"
_REACTIVE = "too reactive to keep"
_QUINOID = "quinoid: adds to itself, oxygen or water to regain an aromatic ring"
_TAUTOMER = "drawn as the tautomer that hardly exists"
_HYDRATE = "loses water, alcohol or amine to give back the carbonyl compound"

# Recursive parts: a carbon made stable as an enamine's beta carbon by a withdrawing group, which
# may act through one more double bond; a nitrogen that is not acylated; a basic amine.
_NO_EWG = (
    "!$(C-[#6X3]=[OX1,NX2]);!$(C-C#N);!$(C-[#16]=O);!$(C-C(F)(F)F);"
    "!$(C-C=C-[#6X3]=[OX1]);!$(C-C=C-C#N);!$(C-c:[nX2])"
)
_FREE = "!$(N-[#6X3]=[OX1,SX1,NX2]);!$(N-S=O);!$(N-C#N)"
_NOT_AMIDE = "!$(N-[#6X3]=[OX1,SX1]);!$(N-S=O)"
_AMINE = f"[NX3;{_FREE};!$(N-a);!$(N-C=C);!$(N-[#7,#8,#16])]"

_HETERO = (
    Alert("nitroso", "[NX2]=[OX1]", "C-nitroso compounds dimerise, N-nitroso ones decompose"),
    Alert("peroxide", "[#8]~[#8]", _WEAK),
    Alert("N-halogen or O-halogen", "[#7,#8]-[F,Cl]", _WEAK),
    Alert("S-halogen", "[#16]-[F,Cl]", _WATER),
    Alert("S-S bond", "[#16]~[#16]", "exchanges or splits; 1,2-dithietes and dithiins open"),
    Alert("sulfenate", "[#16X2]-[#8]", "sulfenic acids and esters rearrange or condense"),
    Alert("sulfenamide", "[SX2]-[#7]", _WATER),
    Alert("S=N", "[#16]=[#7]", "N=S=O, sulfur diimides, sulfilimines: " + _WATER),
    Alert("S=C ylide", "[#16;!X1]=[#6]", "sulfines, sulfenes, thiocarbonyl ylides: " + _REACTIVE),
    Alert("thiocarbonyl", "[#6]=[SX1]", "thials and thioketones oligomerise; C=S is not wanted"),
    Alert("four-valent sulfur", "[#16X3;!$([#16]=[OX1])]", "thiabenzene-like or sulfurane valence"),
    Alert("sulfinic acid or amide", "[#16X3](=O)-[OX2,SX2,#7]", "disproportionates"),
    Alert("sulfonic anhydride", "[#16](=O)(=O)-[OX2]-[#6X3]=[O,N]", _WATER),
    Alert("sulfonyl cyanide", "[#16]-C#N", "thiocyanates and sulfonyl cyanides: " + _REACTIVE),
    Alert("hydrazine", f"[NX3;{_NOT_AMIDE}]-[NX3;{_NOT_AMIDE}]", "reducing and unstable in air"),
    Alert("N-amine", "[#7]-[NX3H2]", "free N-amines are reducing and condense"),
    Alert("N-substituted azole nitrogen", "[nX3]-!@[#7,#8,SX2]", _WEAK),
    Alert("nitrogen chain", "[N;!a]~[#7]~[#7]", _NITROGEN),
    Alert("azo", "[NX2]=[NX2]", "isomerises in light; cyclic ones lose nitrogen"),
    Alert("azine", "[#6]=[NX2]-[NX2]=[#6]", "weak N-N bond between two imines"),
    Alert("hydroxylamine", "[NX3]-[OX2]", "disproportionates"),
    Alert("oxime", "[#6]=[NX2]-[OX2;!R]", "oximes rearrange or lose water"),
    Alert("three nitrogens in a six-ring", "n1:n:n:a:a:a:1", _NITROGEN),
    Alert("tetrazine", "n1:n:a:n:n:a:1", _NITROGEN),
    Alert("oxa- or thiatriazole", "[o,s]1:n:n:n:a:1", _NITROGEN),
    Alert("1,2,3-oxadiazole", "o1:n:n:c:c:1", "opens to the diazoketone"),
    Alert("pentazole", "n1:n:n:n:n:1", _NITROGEN),
    Alert("adjacent chalcogens", "[o,s]:[o,s]", _WEAK),
    Alert("six-ring with aromatic N-O or N-S", "[n;r6]:[o,s;r6;!r5]", _WEAK),
)

_UNSATURATED = (
    Alert("cumulene", "*=[#6;!a]=*", "allenes, ketenes, isocyanates, carbodiimides: " + _REACTIVE),
    Alert("ring alkyne", "[R]#[R]", _STRAIN),
    Alert("polyyne", "C#CC#C", "neighbouring triple bonds polymerise"),
    Alert("hetero-alkyne", "C#C-[#7,#8,#16,F,Cl]", "ynamines, ynols, haloalkynes: " + _REACTIVE),
    Alert("cyanate or acyl cyanide", "N#C-[#8,F,Cl,$([#6]=[O,NX2])]", _WATER),
    Alert("unsaturated three-ring", "[r3]=,:*", _STRAIN),
    Alert("spiropentane", "*~1~*~*~1~2~*~*~2", _STRAIN),
    Alert("bicyclobutane", "*~1~*~2~*~*~1~2", _STRAIN),
    Alert("norcaradiene", "C1=CC=CC2C1*2", "opens to the cycloheptatriene"),
    Alert("2,4-cyclohexadienone", "O=C1C=CC=C[CX4]1", "dimerises"),
    Alert(
        "arene hydrate or amine adduct",
        "[#6;!a]1=[#6,#7;!a]-[#6,#7;!a]=[#6;!a]-[CX4;!H0]-[CX4]1-[#7,#8,#16,F,Cl]",
        "loses water, amine or acid to become an arene",
    ),
    Alert("4a,8a-dihydroarene", "C1=CC=CC2C1C=CC=C2", "rearranges or becomes an arene"),
    Alert("hetero-substituted epoxide", "[O,N,S;r3]1-[C;r3]-[C;r3]-1-[#7,#8,#16]", _REACTIVE),
    Alert("cyclopentadiene", "[CX4]1[#6]=[#6]-[#6]=[#6]1", "dimerises by itself"),
    Alert(
        "fulvene, azafulvene or dienone five-ring",
        "*=[#6]1[#6,#7]=[#6,#7]-[#6,#7]=,:[#6,#7]1",
        "fulvenes, cyclopentadienones, indenones, 3H-indol-3-ones, azafulvenes: " + _REACTIVE,
    ),
    Alert("pentalene", "[#6]1=[#6][#6]2=[#6][#6]=,:[#6][#6]2=,:[#6]1", "anti-aromatic"),
    Alert("radialene", "C=!@[#6]1[#6](=!@C)[#6](=!@*)*~*~1", _REACTIVE),
    Alert("vicinal exocyclic methylenes", "[#6X3H2]=!@[#6]~@[#6]=!@[#6X3H2]", _REACTIVE),
    Alert(
        "p-quinoid",
        "[#6]1(=[#6,#7])[#6,#7]=[#6,#7][#6](=[#6,#7,#8,#16])[#6,#7]=,:[#6,#7]1",
        _QUINOID,
    ),
    Alert(
        "o-quinoid",
        "[#6]1(=[#6,#7,#8])[#6](=[#6,#7,#8,#16])[#6,#7]=,:[#6,#7]-[#6,#7]=[#6,#7]1",
        _QUINOID,
    ),
    Alert(
        "o-quinoid, annelated",
        "[#6]1(=[#6,#7,#8])[#6](=[#6,#7,#8,#16])[#6,#7]=[#6,#7]-[#6,#7]=,:[#6,#7]1",
        _QUINOID,
    ),
    Alert("exocyclic C=C or C=N on an arene", "a=[#6,#7;!a]", _QUINOID),
    Alert(
        "methylene-cyclohexadiene",
        "[#6;!$(*(C#N)C#N);!$(*-[#6]=O);!$(*-C#N)]=!@[#6]1[#6]=[#6][#8,#16,#7,CX4][#6]=[#6]1",
        _QUINOID,
    ),
    Alert(
        "methylene-cyclohexadiene, crossed",
        "[#6;!$(*(C#N)C#N);!$(*-[#6]=O);!$(*-C#N)]=!@[#6]1[#6]=[#6][#6]=[#6][#8,#16,#7,CX4]1",
        _QUINOID,
    ),
    Alert("long polyene", "C=!@C-!@C=!@C-!@C=!@C-!@C=!@C", "oxidises and isomerises in air"),
    Alert(
        "c-fused isoindole, isobenzofuran, isobenzothiophene",
        "[o,s,nX3]1:[c;!$(c=O)]:c2:a:a:a:a:c:2:[c;!$(c=O)]:1",
        "o-quinoid benzo ring",
    ),
    Alert(
        "c-fused five-ring on a five-ring",
        "[o,s,nX3]1:[c;!$(c=O)]:c2:a:a:a:c:2:[c;!$(c=O)]:1",
        "o-quinoid; the [3,4-b] fusion of two azoles",
    ),
    Alert("NH between two fused positions", "[nH]1:[c,n]:c2:a:a:a:a:c:2:[c,n]:1", _TAUTOMER),
    Alert("NH between two fused positions, 5-5", "[nH]1:[c,n]:c2:a:a:a:c:2:[c,n]:1", _TAUTOMER),
    Alert("quinoid diazole", "[nH;r5]:[nH;r5]", _TAUTOMER),
    Alert("quinoid N-N pair", "[nX3;!$(n:c=O)]:[nX3;!$(n:c=O)]", _QUINOID),
    Alert("2-benzopyran-3-one", "O=c1:c:c2:a:a:a:a:c:2:c:o:1", _QUINOID),
    Alert("keto tautomer of a fused phenol", "O=c1:c:c:c:c:c:1", _QUINOID),
    Alert("pseudo-azulene five-ring", "a1-a:a:a:a:1", _QUINOID),
    Alert("pseudo-azulene six-ring", "a1-a:a:a:a:a:1", _QUINOID),
)

_TAUTOMERS = (
    Alert("enol", "[OX2H]-[#6X3;!a]=[#6X3;!a]", _TAUTOMER),
    Alert("thioenol", "[SX2H]-[#6X3;!a]=[#6X3;!a]", _TAUTOMER),
    Alert("imidic acid", "[OX2H,SX2H]-[#6X3;!a]=[NX2]", _TAUTOMER),
    Alert("imidic NH ester", "[NX2H]=[#6]-[OX2,SX2]", _WATER),
    Alert("alpha hydroxyazine or -azole", "[OX2H,SX2H]-[#6]:[nX2]", _TAUTOMER),
    Alert("gamma hydroxyazine", "[OX2H,SX2H]-c1:a:a:[nX2]:a:a:1", _TAUTOMER),
    Alert("hydroxyl on a five-ring arene", "[OX2H,SX2H]-[#6]1:a:a:a:a:1", _TAUTOMER),
    Alert("amine on furan or pyrrole", f"[NX3;{_FREE}]-c1:[o,nX3]:c:c:c:1", "polymerises in air"),
    Alert("3-aminofuran", f"[NX3;{_FREE}]-c1:c:[o,nX3]:c:c:1", "polymerises in air"),
    Alert("NH imine", "[NX2H]=[#6;!$([#6;!R]-[NX3])]", _WATER),
    Alert(
        "aliphatic imine",
        "[NX2;!R;!$(N-[#7,#8,#16])]=[#6X3;!R;!$(C-a);!$(C-[#7,#8,#16]);!$(C-[#6]=[O,N])]",
        _WATER,
    ),
    Alert(
        "enamine",
        f"[NX3;!a;{_FREE}]-[#6X3;!a;!$([#6]=[O,N,S])]=[#6X3;!a;{_NO_EWG}]",
        _WATER,
    ),
    Alert("N-acyl imine", "[#6](=O)-[NX2]=[CX3;!a;!$(C-[#7,#8,#16])]", _WATER),
    Alert("dihalovinyl amine or ether", "[F,Cl]C([F,Cl])=[CX3]-[#7,#8]", _WATER),
    Alert("2-azadiene", "[#6X3;!R]=[#6X3;!R]-[NX2]=[#6]", _WATER),
    Alert("keto tautomer of a hydroquinone", "O=C1C=CC(=O)[CX4;!H0][CX4;!H0]1", _TAUTOMER),
    Alert("NH beside ring C=C", f"[NX3;!H0;R;{_FREE}]-@[CX3]=@[CX3]-@[NX3]", "oxidises in air"),
    Alert("dihydropyrazine", "[NX3H]1-[#6]=,:[#6]-[NX3H]-[#6]=,:[#6]1", "oxidises in air"),
    Alert(
        "ketene acetal",
        f"[#7,#8,SX2;!a]-[#6X3;!a](-[#7,#8,SX2;!a])=[#6X3;!a;{_NO_EWG}]",
        _WATER,
    ),
)

_SATURATED = (
    Alert("hydrate or hemiacetal", "[OX2H,SX2H]-[CX4]-[OX2,SX2,F,Cl]", _HYDRATE),
    Alert("hemiaminal", "[#7]-[CX4]-[OX2H,SX2H]", _HYDRATE),
    Alert("aminal", f"[NX3;{_FREE}]-[CX4]-[#7]", _HYDRATE),
    Alert("geminal diamine", "[NX3H2]-[CX4]-[#7,OX2,SX2]", _HYDRATE),
    Alert("N,O-acetal", f"[NX3;{_FREE}]-[CX4]-[OX2]", _HYDRATE),
    Alert("orthoester", "[#7,#8,#16]-[CX4](-[#7,#8,#16])-[#7,#8,#16]", _HYDRATE),
    Alert("alpha-chloro ether or amine", "Cl-[CX4]-[#7,#8,#16]", _WATER),
    Alert("alpha-fluoro ether or amine", "F-[CX4;!$(C(F)F)]-[#7,#8,#16]", _WATER),
    Alert("alpha-fluoroamine", "F-[CX4]-[NX3;!a]", _WATER),
    Alert("acyl halide", "[F,Cl]-[#6X3;!a]=[OX1,NX2,SX1]", _WATER),
    Alert("anhydride", "[#6X3;!a](=[OX1,NX2])-[OX2,SX2;!a]-[#6X3;!a]=[OX1,NX2]", _WATER),
    Alert("carbonic or carbamic acid", "[OX2H,SX2H]-[#6](=[O,S])-[#7,#8,#16,F,Cl]", "loses CO2"),
    Alert("beta-keto acid", "[OX2H]-C(=O)-[CX4]-[#6X3](=[OX1])-[#6]", "loses CO2"),
    Alert("thio acid", "[SX2H]-[#6]=O", _WATER),
    Alert("vicinal tricarbonyl", "[#6](=O)-[#6](=O)-[#6]=O", "adds water"),
    Alert("alpha-keto aldehyde", "[CX3H1](=O)-[#6]=[O,N]", "adds water or polymerises"),
    Alert("amine and aldehyde", f"{_AMINE[:-1]};!H0].[CX3H1](=O)-[#6]", "condenses with itself"),
    Alert(
        "amine peri to an aldehyde",
        "[NX3H2]-c1:c:c:c:c2:c:c:c:c(-[CX3H1]=O):c:1:2",
        "closes to a benz[cd]indole",
    ),
    Alert("amine and alkyl chloride", f"{_AMINE}.[CX4;!$(C(Cl)Cl);!$(C-a=O)]-Cl", "self-alkylates"),
    Alert("thiol and Michael acceptor", "[SX2H].[CX3]=[CX3]-[#6]=[O,N]", "adds to itself"),
    Alert(
        "amine and maleimide",
        f"[NX3;!H0;{_FREE};!$(N-C=C)].[#6]1(=O)[#7][#6](=O)C=C1",
        "adds to itself",
    ),
    Alert("amine and enone", f"{_AMINE[:-1]};!H0].[CX3H2]=[CX3]-[#6]=O", "adds to itself"),
    Alert(
        "alkyl amine and strong acceptor",
        f"{_AMINE}.[$([#6]1(=O)[#7,#6]~[#6](=O)[#6]~[#6]1),$(C(=C)(C#N)C#N),$(c1:n:[o,s]:n:c1),"
        "$([#6](=O)-!@[#6]=O),$([#6X3;!$([#6]-[#7])](=O)-[$(a),$([#6X3]=[#6X3])])]",
        "the gap is that of one folded conformer: charge transfer through space",
    ),
)

ALERTS: tuple[Alert, ...] = _HETERO + _UNSATURATED + _TAUTOMERS + _SATURATED
