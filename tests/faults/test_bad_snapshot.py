"""What was read before an upgrade and no longer parses after it: read again; where it cannot be read, told with a fix."""

from tests.faults.stand import Stand

SPOIL = """
    UPDATE snapshot SET data = jsonb_build_object('of', 'an older release'), hash = 'older', head_hash = 'older'
    WHERE kind = 'commitment' AND source_id = %s
"""
DUE = "UPDATE sync_record SET due_at = clock_timestamp(), rung_at = NULL WHERE id = %s"


def test_it_is_read_again_and_nothing_is_written(site: Stand) -> None:
    record = site.wait_state("commitment", site.new_commitment())
    site.wait_quiet()
    site.begin()
    site.change(SPOIL, record["source_id"])
    site.change(DUE, record["id"])
    shape = "SELECT data ? 'of' AS old FROM snapshot WHERE kind = 'commitment' AND source_id = %s"
    site.wait(lambda: not site.rows(shape, record["source_id"])[0]["old"], 20, "it was not read again")
    site.wait_state("commitment", record["number"])
    assert not site.ledger("lentune"), "what both sides hold already was written again"


def test_one_that_cannot_be_read_again_is_told_and_the_others_go_on(site: Stand) -> None:
    record = site.wait_state("commitment", site.new_commitment())
    site.wait_quiet()
    path = f"/work_order_contracts/{record['source_id'].partition(':')[2]}$"
    site.fault("procore", "mutate", {"method": "GET", "path": path}, change={"status": {"of": "another shape"}})
    site.change(SPOIL, record["source_id"])
    site.change(DUE, record["id"])
    site.wait(lambda: "not_understood" in site.codes("commitment", record["number"]), 20, "nobody is told")
    site.wait_state("commitment", site.new_commitment())
    site.mend()
    site.person("retry", "commitment", record["number"])
    site.wait_state("commitment", record["number"])
