"""The settings of a Lentune connection: the two boxes, who raises purchase orders, and what is mirrored."""

import pytest
from pydantic import ValidationError

from connectors.lentune.flows import LABELS
from settings.lentune import LentuneSettings

ADDRESS = "https://lentune.example"


@pytest.mark.requirement("P-02")
def test_labels_are_those_of_the_vendors_screen():
    assert LABELS["lentune_purchase_order"] == "Lentune purchase order"
    assert LABELS["procore_purchase_order"] == "Procore purchase order"


@pytest.mark.requirement("P-03", "P-05", "P-10")
@pytest.mark.parametrize("lentune, procore, master", [
    (False, False, "neither"), (True, False, "lentune"), (False, True, "procore"),
])
def test_the_boxes_say_who_raises_purchase_orders(lentune, procore, master):
    settings = LentuneSettings(base_url=ADDRESS, lentune_purchase_order=lentune, procore_purchase_order=procore)
    assert settings.po_master == master


@pytest.mark.requirement("P-06", "P-11", "P-17")
def test_both_boxes_are_refused_by_name():
    with pytest.raises(ValidationError, match="P-17"):
        LentuneSettings(base_url=ADDRESS, lentune_purchase_order=True, procore_purchase_order=True)


@pytest.mark.requirement("P-17")
def test_both_boxes_that_came_by_another_way_are_nobodys_master():
    forced = LentuneSettings.model_construct(lentune_purchase_order=True, procore_purchase_order=True)
    assert forced.po_master == "refused"


def test_what_lentune_answers_is_taken_as_it_comes_and_sent_back_without_what_is_read_only():
    settings = LentuneSettings.model_validate({
        "base_url": ADDRESS, "po_master": "procore", "procore_purchase_order": True, "rounding_tolerance": "0.02",
        "project_stages": ["Bidding"], "tax_mappings": [{"lentune_tax": "GST", "procore_tax": "15"}],
    })
    mirrored = settings.mirrored()
    assert "po_master" not in mirrored and "base_url" not in mirrored and "approval" not in mirrored
    assert mirrored["rounding_tolerance"] == "0.02"
    assert mirrored["project_stages"] == ["Bidding"]
    assert settings.procore_tax("GST") == "15" and settings.procore_tax("NIL") is None


@pytest.mark.parametrize("wrong", [
    {"base_url": "ftp://x"}, {"auto_push_cron": "every day"}, {"accounting_route": "by post"}, {"approval": {"invoice": "maybe"}},
    {"rounding_tolerance": "-1"}, {"unheard_of": 1},
])
def test_what_does_not_fit_is_refused(wrong):
    with pytest.raises(ValidationError):
        LentuneSettings.model_validate({"base_url": ADDRESS} | wrong)
