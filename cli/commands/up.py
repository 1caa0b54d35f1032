"""sitebooks up: the whole product on this machine, in the foreground."""

from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.options import System


def register(app: typer.Typer) -> None:
    app.command("up")(up)


def up(
    data_dir: Annotated[Path | None, typer.Option(help="Where everything is kept between runs.")] = None,
    ready_file: Annotated[Path | None, typer.Option(help="Written once all is ready: addresses, process ids.")] = None,
    simulators: Annotated[bool, typer.Option(help="Start the stand-ins of the outside systems too.")] = True,
    dataset: Annotated[str | None, typer.Option(help="What the simulators hold: demo, paperless, small, large.")] = None,
    connection: System = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same data.")] = 1,
    free_ports: Annotated[bool, typer.Option("--free-ports", help="Take free ports, not the usual ones.")] = False,
) -> None:
    """Start everything: Postgres and the broker (unless DATABASE_URL / BROKER_URL are set), workers, beat, web,
    Flower and the simulators. Ctrl-C stops all of it in order; the data is kept."""
    from functools import partial

    from cli.pretending import accounting, dataset_of
    from workers.local.places import Unusable, data_folder
    from workers.local.server import DidNotStart
    from workers.local.stack import Options, Stack

    options = Options(
        data_dir=data_dir or data_folder(),
        ready_file=ready_file and ready_file.resolve(),
        simulators=simulators,
        dataset=dataset or dataset_of(accounting(connection)),
        seed=seed,
        free_ports=free_ports,
    )
    stack = Stack(options, say=_say, seed=partial(begin, connection=connection))
    try:
        stack.run()
    except (Unusable, DidNotStart) as error:
        typer.echo(f"Sitebooks did not start. {error}", err=True)
        raise typer.Exit(1) from None


def _say(line: str) -> None:
    with suppress(OSError):  # a full disk or a closed terminal must not end what runs
        print(line, flush=True)


def begin(ready: dict[str, Any], connection: str | None = None) -> dict[str, Any]:
    """Runs in a process of its own once all is ready: the demo company, or a fresh link for whoever is there already."""
    import workers.app  # noqa: F401  first: what follows publishes through it
    from cli import seed
    from sync import connections

    if ready["simulators"]:
        return seed.connect_simulators(ready, connection)
    known = connections.companies()
    return seed.people(known[0][0], ready["web"]) if known else {}
