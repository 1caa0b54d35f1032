"""The deliberate bugs that test the judges: each still fits the product, is really put in, and leaves no trace in it."""

import subprocess
import sys
from dataclasses import replace

import pytest

from tests.mill.mutants import Caught, table
from tests.mill.mutants_hook import ROOT, Stale, path_of, source_of
from tests.mill.mutants_list import BY_NAME, MUTANTS, Mutant


def test_there_are_at_least_fifteen_and_no_two_alike() -> None:
    assert len({(mutant.module, mutant.old, mutant.new) for mutant in MUTANTS}) == len(BY_NAME) == len(MUTANTS) >= 15


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_each_fits_the_product_as_it_is_now(mutant: Mutant) -> None:
    changed = source_of(mutant)
    assert changed != path_of(mutant).read_text()
    if not mutant.module.endswith(".sql"):
        compile(changed, mutant.module, "exec")


def test_one_that_does_not_fit_any_more_is_refused() -> None:
    with pytest.raises(Stale, match=r"stands 0 times in sync\.keys"):
        source_of(replace(BY_NAME["key_without_kind"], old="nothing of the kind"))


def test_the_bug_is_in_a_process_of_its_own_and_nowhere_else() -> None:
    program = (
        "from tests.mill import mutants_hook\nfrom tests.mill.mutants_list import BY_NAME\n"
        "mutants_hook.install(BY_NAME['cents_cut'])\nfrom objects.money import amount_of\n"
        "print(amount_of('12.34'), mutants_hook.loaded(BY_NAME['cents_cut']))"
    )
    before = path_of(BY_NAME["cents_cut"]).read_bytes()
    command = [sys.executable, "-P", "-c", program]
    done = subprocess.run(command, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == ["12", "True"]
    from objects.money import amount_of

    assert str(amount_of("12.34")) == "12.34" and path_of(BY_NAME["cents_cut"]).read_bytes() == before


def test_a_module_that_was_imported_before_cannot_get_its_bug() -> None:
    program = (
        "import objects.money\nfrom tests.mill import mutants_hook\nfrom tests.mill.mutants_list import BY_NAME\n"
        "mutants_hook.install(BY_NAME['cents_cut'])"
    )
    command = [sys.executable, "-P", "-c", program]
    done = subprocess.run(command, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1 and "objects.money is imported already" in done.stderr


def test_the_table_names_the_judge_that_spoke() -> None:
    found = [Caught("a", "it is wrong", 3, "I1: two of them", 3, 1.0), Caught("b", "so is this", 0, "", 200, 9.0)]
    lines = table(found).splitlines()
    assert lines[2] == "| `a` | 3 | I1 | it is wrong |"
    assert lines[3] == "| `b` | not caught in 200 | - | so is this |"
