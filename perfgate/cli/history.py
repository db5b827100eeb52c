"""`perfgate history`: the values of a series over the commits of the default branch, and where their level changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from perfgate.cli import console

if TYPE_CHECKING:
    from perfgate.core.tracks import Track

app = typer.Typer(**console.APP)
#: More series than this are not shown at once.
MOST = 20


@app.command(short_help="a series over its commits")
def history(
    series: str = typer.Argument(..., help="The series, for example 'tests.duration{suite=unit}'; globs are fine."),
    last: int = typer.Option(20, "--last", min=0, metavar="N", help="Show the newest N values; 0 shows all."),
    all_machines: bool = typer.Option(
        False, "--all-machines", help="Show every machine class and condition, not only those of the newest value."
    ),
    as_json: bool = typer.Option(False, "--json", help="Print the histories as JSON, with all values."),
) -> None:
    """Show the values of a series over the commits of the default branch, and where their level changed.

    \b
    Example: perfgate history 'tests.duration{suite=unit}'
             perfgate history 'command.*' --last 5
    """
    from perfgate.cli import whole_history
    from perfgate.cli.project import Project
    from perfgate.core.model import Selector
    from perfgate.core.tracks import tracks_of
    from perfgate.render import history as page

    selector = Selector.parse(series)
    baseline = whole_history.load(Project.find()).baseline
    found = sorted((each for each in baseline.histories if selector.matches(each)), key=str)
    if not found:
        raise whole_history.unknown(series, baseline, where="SERIES")
    shown = found if as_json else found[:MOST]
    tracks = tracks_of(baseline, shown)
    newest = [track for position, track in enumerate(tracks) if all_machines or _is_newest(tracks, position)]
    if as_json:
        console.out(page.as_json(newest, baseline))
        return
    for position, track in enumerate(newest):
        others = 0 if all_machines else len(baseline.histories[track.series].values) - len(track.values)
        if position:
            console.out()
        console.out(
            page.render(
                track,
                baseline,
                last=last,
                others=others - len(track.retired) if others else 0,
                width=console.width(),
                colour=console.colour(),
                unicode=console.can_show("▁█"),
            )
        )
    if len(found) > len(shown):
        console.out(f"\n{len(found) - len(shown)} more series match; name them more closely, or take --json")


def _is_newest(tracks: list[Track], position: int) -> bool:
    """Whether this is the first of its series: the kind of the newest value."""
    return position == 0 or tracks[position - 1].series != tracks[position].series
