"""Read-only queries shared by the console, the API and the command line."""

from sync.names import system_word
from sync.views.events import Event, EventPage, events
from sync.views.frame import Frame, frame
from sync.views.lists import (
    Activity,
    Comparison,
    ConnectionView,
    activity,
    approval_counts,
    comparisons,
    connection,
    crossings,
    kind_counts,
    projects,
    site,
    waiting_money,
)
from sync.views.overview import KindSum, Overview, StateSum, SystemView, overview
from sync.views.problems import ProblemGroup, ProblemGroups, problem_groups
from sync.views.protection import Protected, protections
from sync.views.record import Differing, Record, record
from sync.views.records import Filters, RecordPage, RecordRow, find, records
from sync.views.sentence import counted, lead, sentence
from sync.views.sides import Field, Line
from sync.views.stops import Hold, Stop, holds
from sync.views.story import Entry
from sync.views.words import NotAPosition, kind_word, kinds_word, state_word

__all__ = [
    "Activity", "Comparison", "ConnectionView", "Differing", "Entry", "Event", "EventPage", "Field", "Filters", "Frame",
    "Hold", "KindSum", "Line", "NotAPosition", "Overview", "ProblemGroup", "ProblemGroups", "Protected", "Record",
    "RecordPage", "RecordRow", "StateSum", "Stop", "SystemView", "activity", "approval_counts", "comparisons",
    "connection", "counted", "crossings", "events", "find", "frame", "holds", "kind_counts", "kind_word", "kinds_word", "lead",
    "overview", "problem_groups", "projects", "protections", "record", "records", "sentence", "site", "state_word",
    "system_word", "waiting_money",
]
