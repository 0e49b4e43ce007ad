"""The style that all figures of reports and pages share, and what stands around one."""

from dataclasses import dataclass
from typing import Final

import plotly.graph_objects as go

# Okabe and Ito's palette: told apart by readers with any colour vision.
COLOURS: Final = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#E69F00",
    "#56B4E9",
    "#000000",
    "#8C6D31",
)
INK: Final = "#1f2933"
GRID: Final = "#e4e7eb"


@dataclass(frozen=True, slots=True)
class Plot:
    """One figure with the sentences that say what to see in it.

    Attributes:
        plot_id: its own within a page.
    """

    plot_id: str
    title: str
    caption: str
    figure: go.Figure


def blank_figure(*, x: str, y: str) -> go.Figure:
    """Return an empty figure in the reports' style, its axes named."""
    figure = go.Figure()
    figure.update_layout(
        template="plotly_white",
        height=440,
        margin={"l": 60, "r": 20, "t": 20, "b": 60},
        font={"family": "system-ui, sans-serif", "color": INK, "size": 13},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
    )
    figure.update_xaxes(title=x, gridcolor=GRID, zeroline=False)
    figure.update_yaxes(title=y, gridcolor=GRID, zeroline=False)
    return figure


def plot_html(figure: go.Figure) -> str:
    """Return the figure as part of a page that holds Plotly's script already."""
    html: str = figure.to_html(
        full_html=False,
        include_plotlyjs=False,
        config={"displayModeBar": False, "responsive": True},
    )
    return html
