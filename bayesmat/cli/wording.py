"""What an error says of arguments in Python, in words of the command line."""

from __future__ import annotations

import re

__all__ = ["as_options"]

_COMMAND = "bayesmat campaign"
_OPTIONS = {
    # Reading a file.
    r", or pass on_invalid='drop' to leave (them|their rows) out": "",
    r"kind='(repeat_unit|composition|smiles|id)'": r"-m COLUMN:\1",
    r", or kind='recipe' if the conditions are all there is": "",
    r"material='([^']*)'": r'-m "\1"',
    r"Column\('([^']*)', unit='([^']*)'\)": r'-p "COLUMN=\1" -f "COLUMN=\2"',
    r"properties=\{'([^']*)': '([^']*)'\}": r'-p "\1=\2"',
    r"as in conditions=\{'([^']*)': '([^']*)'\}": r'as in --at "\1=\2"',
    r"conditions=\{'([^']*)': '([^']*)'\}": r'-c "\1=\2"',
    r"conditions=\{'([^']*)': \.\.\.\} reads": r'-c "\1=UNIT" reads',
    # Under which conditions.
    r"conditions=\{'([^']*)': \.\.\.\}": r"--at \1=VALUE",
    r"(?:conditions|\bat)=\{'([^']*)': ([^'{}]*)\}": r"--at \1=\2",
    r"the same `at`": "the same conditions (--at)",
    # What may be chosen, and who answers.
    r", call Campaign\.carry_over\(url, prior=\.\.\., candidates=bm\.Pool\(\.\.\.\), "
    r"reason=\.\.\.\)": (
        f", run {_COMMAND} carry-over FILE.db --pool FILE --reason REASON"
    ),
    r"Campaign\.carry_over\(url, prior=\.\.\., (?:oracle=\.\.\., )?reason=\.\.\.\), on the command "
    r"line `bayesmat campaign carry-over`": f"{_COMMAND} carry-over FILE.db --reason REASON",
    r"candidates=bm\.Pool\(materials\)|bm\.Pool\(materials, conditions=\{\.\.\.\}\)": "--pool FILE",
    r"give them again": "give it again: --pool FILE",
    r"[Gg]ive the same candidate source": "give the same list: --pool FILE",
    r"give one to Campaign\.create or Campaign\.open": (
        f"name one when it is made, {_COMMAND} create --oracle NAME"
    ),
    r"Open it with Campaign\.open": f"Go on with it ({_COMMAND} status FILE.db)",
    r"make one with Campaign\.create": f"make one with {_COMMAND} create",
    # A laboratory.
    r"campaign\.correct\('([^']*)', \{'([^']*)': ([^{}]*)\}, reason=\.\.\.\)": (
        rf'{_COMMAND} correct FILE.db "\1" \2=\3 --reason REASON'
    ),
    r"campaign\.correct\('([^']*)', \{'([^']*)': ([^{}]*)\}, sds=\{'([^']*)': ([^{}]*)\}, "
    r"reason=\.\.\.\)": (
        rf'{_COMMAND} correct FILE.db "\1" \2=\3 --sd \4=\5 --reason REASON'
    ),
    r"campaign\.suggest\(batch=(\d+)\)": rf"{_COMMAND} suggest FILE.db --batch \1",
    r"campaign\.sheet\('([^']*)'\)": rf"{_COMMAND} sheet FILE.db \1",
    r"campaign\.(suggest|run|retry)(?:\((?:\[\.\.\.\])?\))?": rf"{_COMMAND} \1",
    r"campaign\.(tell|correct|withdraw)(?:\(\.\.\.\))?(?![\w(])": rf"{_COMMAND} \1",
    r"(?:\bcampaign\.)?\b(tell|correct|withdraw)\(\.\.\., (replicate=True|reason=\.\.\.)\)": (
        rf"{_COMMAND} \1 ... \2"
    ),
    r"replicate=True": "--replicate",
    r"replicate=(\d+)": r"--number \1",
    r"reason=\.\.\.": "--reason REASON",
    r"with `fail`": f"with {_COMMAND} tell FILE.db MATERIAL --failed REASON",
}  # fmt: skip


def as_options(text: str) -> str:
    """What an error says of arguments in Python, as options of the command line.

    >>> as_options("say Column('K', unit='degC')")
    'say -p "COLUMN=K" -f "COLUMN=degC"'
    """
    for python, option in _OPTIONS.items():
        text = re.sub(python, option, text)
    return text
