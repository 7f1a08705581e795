"""What a figure says, for tests of figures."""

from __future__ import annotations

from matplotlib.figure import Figure

from bayesmat import plots


def words_of(figure: Figure) -> str:
    """Every label, title, note and legend of a figure."""
    words = [text.get_text() for text in figure.texts]
    for ax in figure.axes:
        words += [ax.get_xlabel(), ax.get_ylabel(), ax.get_title(), ax.get_title("left")]
        words += [t.get_text() for t in (*ax.texts, *ax.get_xticklabels(), *ax.get_yticklabels())]
    legends = [ax.get_legend() for ax in figure.axes] + list(figure.legends)
    words += [t.get_text() for legend in legends if legend for t in legend.get_texts()]
    return " | ".join(words)


def is_png(figure: plots.Chart) -> bool:
    """Whether the figure draws itself for a notebook."""
    return figure._repr_png_().startswith(b"\x89PNG")
