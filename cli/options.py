"""The options that commands share, so that they are called and explained the same everywhere."""

from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout; words for people go to stderr.")]
CompanyRef = Annotated[str | None, typer.Option("--company", metavar="C", help="Id or name; needed when there are several.")]
System = Annotated[str | None, typer.Option("--connection", metavar="SYSTEM", help="Only this connection: lentune, ...")]
Kind = Annotated[str | None, typer.Option("--kind", metavar="K", help="Only this kind: project, commitment, invoice, ...")]
Project = Annotated[str | None, typer.Option("--project", metavar="P", help="Only this project, by its number.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Change nothing; show what would be done.")]
FailIfEmpty = Annotated[bool, typer.Option("--fail-if-empty", help="Exit 9 when there is nothing.")]
