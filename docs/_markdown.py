"""Docstrings as Markdown, and formulas as MathML, which every browser draws without a script.

Docstrings write mathematics as Sphinx does (`:math:` and `.. math::`), pages as `$...$`. Both
become what arithmatex recognises, and its output becomes MathML when the page is written. Doctests
become code blocks.
"""

import html
import re
import textwrap
from typing import Any

import griffe
from latex2mathml.converter import convert

_ROLE = re.compile(r":math:`([^`]+)`", re.DOTALL)
_BLOCK = re.compile(r"^( *)\.\. math::(.*(?:\n(?:\1 +.*)?)*)", re.MULTILINE)
_DOCTEST = re.compile(r"^( *)>>> .*(?:\n *\S.*)*", re.MULTILINE)
_INLINE = re.compile(r'<span class="arithmatex">\\\((.*?)\\\)</span>', re.DOTALL)
_DISPLAY = re.compile(r'<div class="arithmatex">\s*\\\[(.*?)\\\]\s*</div>', re.DOTALL)


class DocstringMarkdown(griffe.Extension):
    """Rewrite the formulas and doctests of every docstring, and show each object once."""

    def on_package(self, *, pkg: griffe.Module, **_: Any) -> None:
        """Called by griffe with the whole package: objects are shown where they are defined."""
        for module in (pkg, *pkg.modules.values()):
            if not module.is_alias:  # a name of the package that hides a module, such as report
                module.exports = None

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Called by griffe for each module, class, function and attribute."""
        if obj.docstring is not None:
            text = _BLOCK.sub(_block, obj.docstring.value)
            text = _DOCTEST.sub(lambda m: f"{m[1]}```pycon\n{m[0]}\n{m[1]}```", text)
            obj.docstring.value = _ROLE.sub(lambda m: f"\\({' '.join(m[1].split())}\\)", text)


def on_page_content(content: str, **_: Any) -> str:
    """Called by MkDocs with the HTML of a page."""
    content = _DISPLAY.sub(lambda m: f"<p>{_mathml(m[1], 'block')}</p>", content)
    return _INLINE.sub(lambda m: _mathml(m[1], "inline"), content)


def _block(match: re.Match[str]) -> str:
    indent, body = match[1], textwrap.dedent(match[2]).strip()
    return f"{indent}\n{indent}\\[{' '.join(body.split())}\\]\n{indent}\n"


def _mathml(latex: str, display: str) -> str:
    return convert(html.unescape(latex).strip(), display=display)
