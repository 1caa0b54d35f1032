"""sitebooks migrate: brings the database at DATABASE_URL to this release's schema."""

import typer


def register(app: typer.Typer) -> None:
    app.command("migrate")(migrate)


def migrate() -> None:
    """Run the migrations; safe to run twice and from several machines at once."""
    from models.migrate import head, upgrade
    from settings.environment import NotSetUp, environment

    try:
        url = environment().database()
    except NotSetUp as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None
    upgrade(url)
    typer.echo(f"The database is at {head()}.")
