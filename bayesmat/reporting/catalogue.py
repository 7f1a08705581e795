"""The cards of source networks as pages of the manual."""

from __future__ import annotations

from pathlib import PurePosixPath

from bayesmat._counted import counted
from bayesmat.data.origins import ORGANIC
from bayesmat.sources.ensemble import SourceEnsemble

__all__ = ["card_page"]

_HEADS = (
    "property",
    "unit",
    "learned",
    "held out",
    "MAE",
    "of the mean",
    "R2",
    "NLL",
    "in 90 %",
    "from",
)


def card_page(ensemble: SourceEnsemble) -> str:
    """The card as Markdown: provenance, then a row for each property that was learned."""
    card = ensemble.card
    shapes = ", ".join(f"{f['size']} {f['label']}" for f in card["families"])
    versions = ", ".join(f"{name} {number}" for name, number in card["versions"].items())
    facts = [
        f"{counted(len(ensemble.networks), 'network')} ({shapes}), "
        f"{counted(card['n_train'], 'material')} learned from",
        f"data: {card.get('source', 'a table of ones own')}, "
        f"licence {card.get('licence', 'unknown')}",
        f"split: {card.get('split', 'a tenth of the materials judges, a tenth stops')}",
        f"trained in {card.get('seconds', 0):.0f} s, seed {card['seed']}, with {versions}",
    ]
    lines = [f"### {card['name']}", "", *(f"- {fact}" for fact in facts), ""]
    lines += [f"| {' | '.join(_HEADS)} |", "|---" * len(_HEADS) + "|"]
    for task in card["tasks"]:
        figures = [task.get(key) for key in ("mae", "mae_mean", "r2", "nll", "coverage90")]
        cells = [
            task["name"], task["unit"] or "1", str(task["n_train"]), str(task["n_test"]),
            *("" if v is None else f"{v:.3g}" for v in figures), _files(task["name"]),
        ]  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _files(name: str) -> str:
    origin = ORGANIC.get(name)
    columns = () if origin is None else origin.columns
    return "; ".join(PurePosixPath(column.file).stem for column in columns)
