"""Pages escape text and keep HTML."""

from bayesmat.pages import filled, image
from bayesmat.plots.style import new_chart


def test_titles_are_text_and_bodies_html() -> None:
    page = filled("a < b", "x & y", "<p>body</p>")
    assert "<title>a &lt; b</title>" in page
    assert "x &amp; y" in page
    assert "<p>body</p>" in page


def test_figures_are_inside_the_page() -> None:
    figure, _ = new_chart(3.0, 2.0)
    element = image(figure, 'words "quoted"', "a < b")
    assert element.startswith('<figure><img width="354" alt="words &quot;quoted&quot;"')
    assert "data:image/png;base64,iVBOR" in element
    assert "<figcaption>a &lt; b</figcaption>" in element
