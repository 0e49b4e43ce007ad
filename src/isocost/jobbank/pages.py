"""A template's name in; the template out, of the Job Bank's pages that need no network."""

from jinja2 import Environment, PackageLoader, StrictUndefined, Template, select_autoescape

from isocost.jobbank.figures import plot_html


def page_template(name: str) -> Template:
    """Return a template of this package's pages; its filter `drawn` draws a figure."""
    environment = Environment(
        loader=PackageLoader("isocost.jobbank"),
        undefined=StrictUndefined,
        autoescape=select_autoescape(),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["drawn"] = plot_html
    return environment.get_template(name)
