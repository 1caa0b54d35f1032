"""The states: which moves have a story, and that everything that classifies them covers them all."""

import itertools

import pytest

from models.states import MOVES, WORDS, EventState, IllegalMove, RecordState, WriteState, allowed

S = RecordState
#: Moves without a story, with the reason.
ILLEGAL = {
    (S.sending, S.ignored): "what is being sent cannot be declared out of scope",
    (S.sending, S.awaiting_approval): "it was approved before it was sent",
    (S.sending, S.rejected): "nobody can turn down what may already be there",
    (S.sending, S.source_deleted): "the outcome comes first",
    (S.checking, S.ignored): "a doubt is settled by looking",
    (S.checking, S.rejected): "a doubt is settled by looking",
    (S.checking, S.awaiting_approval): "it was approved before it was sent",
    (S.checking, S.source_deleted): "the outcome comes first",
    (S.synced, S.checking): "only what was sent can be in doubt",
    (S.synced, S.rejected): "what is in both systems was agreed to",
    (S.pending, S.checking): "only what was sent can be in doubt",
    (S.held, S.checking): "only what was sent can be in doubt",
    (S.unlinked, S.sending): "a person unlinked it: a person links it again",
    (S.unlinked, S.held): "a person unlinked it: a person links it again",
    (S.rejected, S.rejected): "",
}


def test_there_are_the_twelve_states_of_the_design_and_each_has_words_and_moves():
    assert len(S) == 12
    assert set(WORDS) == set(MOVES) == set(S)
    assert set().union(*MOVES.values()) <= set(S)


def test_every_state_can_be_left_and_every_state_but_the_first_can_be_reached():
    assert all(MOVES[s] - {s} for s in S)
    reached = {S.pending}
    while more := {after for before in reached for after in MOVES[before]} - reached:
        reached |= more
    assert reached == set(S)


@pytest.mark.parametrize(("before", "after"), list(itertools.product(S, S)))
def test_every_move_is_either_legal_or_raises(before, after):
    if before == after or after in MOVES[before]:
        allowed(before, after)
    else:
        with pytest.raises(IllegalMove, match=f"{before} to {after}"):
            allowed(before, after)


@pytest.mark.parametrize(("before", "after"), [pair for pair, why in ILLEGAL.items() if why])
def test_moves_that_must_not_be_made(before, after):
    assert after not in MOVES[before], ILLEGAL[before, after]


def test_only_a_look_or_an_answer_or_a_person_takes_a_record_out_of_doubt():
    assert MOVES[S.checking] == {S.synced, S.pending, S.needs_attention, S.checking, S.sending, S.held, S.conflict}


def test_the_states_of_events_and_writes_are_those_of_the_design():
    assert set(EventState) == {"received", "done", "ignored", "parked"}
    assert set(WriteState) == {"planned", "sending", "confirmed", "rejected", "uncertain", "abandoned"}
