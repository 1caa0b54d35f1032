"""Puts one deliberate bug into the product of this process, before any of it is imported; no file is changed."""

import importlib.util
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from tests.mill.mutants_list import Mutant

ROOT = Path(__file__).resolve().parents[2]


class Stale(RuntimeError):
    """The mutant's old text does not stand exactly once in its module any more: the mutant must be written anew."""


def path_of(mutant: Mutant) -> Path:
    """The file that holds it."""
    part = mutant.module if mutant.module.endswith(".sql") else mutant.module.replace(".", "/") + ".py"
    return ROOT / part


def source_of(mutant: Mutant) -> str:
    """The module's text with the bug in it. Raises Stale."""
    text = path_of(mutant).read_text(encoding="utf-8")
    found = text.count(mutant.old)
    if found != 1:
        raise Stale(f"{mutant.name}: its old text stands {found} times in {mutant.module}")
    return text.replace(mutant.old, mutant.new)


def install(mutant: Mutant) -> None:
    """Raises Stale, also when the module was imported before: then the bug would not be there."""
    if mutant.module in sys.modules:
        raise Stale(f"{mutant.name}: {mutant.module} is imported already")
    text = source_of(mutant)
    if mutant.module.endswith(".sql"):
        _read_as(mutant, text)
    else:
        sys.meta_path.insert(0, _Finder(mutant, text))


def loaded(mutant: Mutant) -> bool:
    """Whether the module with the bug was really taken into use."""
    return mutant.name in _loaded


_loaded: set[str] = set()


class _Loader(SourceFileLoader):
    """Compiles the changed text; no compiled file of the sound module is read, and none of this one is written."""

    def __init__(self, mutant: Mutant, path: str, text: str) -> None:
        super().__init__(mutant.module, path)
        self.mutant, self.text = mutant, text

    def get_code(self, fullname: str) -> CodeType:
        _loaded.add(self.mutant.name)
        code: CodeType = compile(self.text, self.path, "exec", dont_inherit=True)
        return code

    def get_source(self, fullname: str) -> str:
        return self.text


class _Finder(MetaPathFinder):
    def __init__(self, mutant: Mutant, text: str) -> None:
        self.mutant, self.text = mutant, text

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != self.mutant.module:
            return None
        found = PathFinder.find_spec(fullname, path, target)
        if found is None or found.origin is None:
            raise Stale(f"{self.mutant.name}: there is no module {fullname}")
        return importlib.util.spec_from_loader(fullname, _Loader(self.mutant, found.origin, self.text), origin=found.origin)


def _read_as(mutant: Mutant, text: str) -> None:
    """SQL is read as a file when the database is migrated: this one reads as the changed text."""
    read, path = Path.read_text, path_of(mutant)

    def changed(self: Path, *args: Any, **named: Any) -> str:
        if self.resolve() != path:
            return read(self, *args, **named)
        _loaded.add(mutant.name)
        return text

    Path.read_text = changed  # type: ignore[method-assign]
