"""The documentation says what the code says: pages made from it, links that resolve, commands and texts that exist."""

import ast
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
import typer
import yaml

from cli.main import app, load_commands
from sync import problems
from sync.problems import catalogue
from tests.documents import DOCS, ROOT, STARTING, pages, problem_files

#: They wait for another record, which says who has to do what.
WAITS_FOR_ANOTHER = {
    "order_not_in_procore", "commitment_not_synced", "project_not_synced", "cost_type_not_synced", "cost_code_not_synced",
    "payment_invoice_not_synced",
}  # fmt: skip
PAGES = sorted([ROOT / "README.md", *DOCS.rglob("*.md"), *ROOT.glob("connectors/*/README.md"),
                *ROOT.glob("simulators/*/README.md"), *ROOT.glob("deploy/*.md")])
LINK = re.compile(r"\]\(([^)\s]+)\)")
#: Packages that people run; tests and simulators are not the product.
PRODUCT = ("objects", "settings", "models", "connectors", "sync", "tasks", "workers", "web", "cli")


def sources(*folders: str) -> Iterator[tuple[Path, str]]:
    for folder in folders:
        for file in sorted((ROOT / folder).rglob("*.py")):
            yield file, file.read_text()


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_pages_made_from_the_code_are_up_to_date(page: Path) -> None:
    wanted = pages()[page]
    if os.environ.get("SITEBOOKS_WRITE_DOCS") == "1":
        page.write_text(wanted)
    assert page.read_text() == wanted, f"{page.name} is old: SITEBOOKS_WRITE_DOCS=1 ./sitebooks test"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_resolve(page: Path) -> None:
    for target in LINK.findall(page.read_text()):
        address, _, anchor = target.partition("#")
        if address.startswith(("http://", "https://")):
            continue
        file = (page.parent / address).resolve() if address else page
        assert file.exists(), f"{page.name} links to {target}"
        if anchor and file.suffix == ".md":
            assert anchor in anchors(file), f"{page.name} links to {target}"


def anchors(page: Path) -> set[str]:
    heads = re.findall(r"^#+ (.+)$", page.read_text(), re.M)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def test_every_page_can_be_reached_from_the_index() -> None:
    listed = {(DOCS / target).resolve() for target in LINK.findall((DOCS / "index.md").read_text())}
    missing = [page.name for page in DOCS.rglob("*.md") if page.name != "index.md" and page.resolve() not in listed]
    assert not missing, f"add them to docs/index.md: {missing}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_that_are_named_exist(page: Path) -> None:
    load_commands()
    known = set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
    named = set(re.findall(r"(?:\./sitebooks|\bcli) ([a-z]+)", "\n".join(code_in(page))))
    assert named <= known, f"{page.name} names {named - known}"


def code_in(page: Path) -> Iterator[str]:
    """Fenced blocks and `code` words."""
    text = page.read_text()
    yield from re.findall(r"^```.*?^```", text, re.M | re.S)
    yield from re.findall(r"`[^`\n]+`", text)


def test_every_problem_that_is_raised_has_a_text() -> None:
    raised = {code: file for file, source in sources("connectors", "sync") for code in codes_in(source)}
    assert len(raised) > 20
    assert not {code: str(file) for code, file in raised.items() if code not in catalogue()}


def codes_in(source: str) -> Iterator[str]:
    """The literal codes of Problem("...") and of the helpers that name one after the record."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            continue
        place = {"Problem": 0, "_named": 1}.get(node.func.id)
        if place is not None and len(node.args) > place:
            found = node.args[place]
            if isinstance(found, ast.Constant) and isinstance(found.value, str):
                yield found.value


def test_every_text_belongs_to_a_problem_that_is_raised() -> None:
    words = {
        node.value for _, source in sources("connectors", "sync") for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    own = {code for name, file in problem_files().items() if name != "Any system" for code in yaml.safe_load(file.read_text())}
    unused = own - words
    assert not unused


@pytest.mark.parametrize("file", problem_files().values(), ids=problem_files())
def test_every_text_is_complete_and_its_placeholders_are_plain_words(file: Path) -> None:
    for code, entry in yaml.safe_load(file.read_text()).items():
        assert {"severity", "heals", "owner", "title", "cause", "fix", "next"} <= set(entry), code
        assert entry["heals"] in get_args(problems.Healing), code
        alone = entry["fix"][0].startswith("Nothing") or code in WAITS_FOR_ANOTHER
        assert entry["heals"] == "never" or (entry["heals"] == "alone") == alone, code
        assert entry["fix"] and all(isinstance(step, str) for step in entry["fix"]), code
        for text in (entry["title"], entry["cause"], entry["next"], *entry["fix"]):
            for placeholder in re.findall(r"\{([^}]*)\}", text):
                assert re.fullmatch(r"[a-z][a-z_]*", placeholder), f"{code}: {{{placeholder}}}"


def test_every_variable_that_is_read_is_described() -> None:
    described = {name for names in STARTING for name in names.split(", ")}
    described |= set(re.findall(r"`([A-Z_]+)`", (DOCS / "configuration.md").read_text()))
    read = {name for _, source in sources(*PRODUCT) for name in re.findall(r"environ(?:\.get\(|\[)\"([A-Z_]+)\"", source)}
    procfile = set(re.findall(r"\$\{([A-Z_]+)", (ROOT / "Procfile").read_text()))
    assert read | procfile <= described, (read | procfile) - described


def test_the_picture_is_there() -> None:
    picture = (DOCS / "images" / "overview.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
