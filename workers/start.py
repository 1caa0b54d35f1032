"""python -m workers.start worker|beat ...: the celery command's own subcommands, with their usual options.

The celery command itself imports a shell, every plugin and Flower before it runs any of them: 1.5 s of processor time
for each process of the local stack. Elsewhere `celery -A workers.app worker ...` does the same.
"""

import importlib
import sys

from celery.bin.base import CLIContext

# name: (where Celery keeps the subcommand, where our app for it is)
COMMANDS = {"worker": ("celery.bin.worker", "workers.app"), "beat": ("celery.bin.beat", "workers.beat")}


def main(name: str, *arguments: str) -> None:
    theirs, ours = COMMANDS[name]
    app = importlib.import_module(ours).app
    command = getattr(importlib.import_module(theirs), name)
    command.main(list(arguments), prog_name=name, obj=CLIContext(app, no_color=True, workdir=None, quiet=True))


if __name__ == "__main__":
    main(*sys.argv[1:])
