"""The part of PromQL that our alert rules and our dashboard are written in: parsed, and evaluated against one scrape."""

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from prometheus_client.parser import text_string_to_metric_families

Labels = frozenset[tuple[str, str]]
Vector = dict[Labels, float]
#: Metric name -> its series, as one scrape has them.
Scrape = dict[str, Vector]
Evaluate = Callable[[Scrape], Vector | float]

TOKEN = re.compile(
    r'\s*(?:(?P<number>\d+(?:\.\d+)?)|(?P<name>[a-zA-Z_]\w*)|(?P<text>"[^"]*")|(?P<sign>==|!=|>=|<=|=~|!~|[-+*/(){}=<>,]))'
)
COMPARE: dict[str, Callable[[float, float], bool]] = {
    "==": operator.eq, "!=": operator.ne, ">": operator.gt, "<": operator.lt, ">=": operator.ge, "<=": operator.le,
}  # fmt: skip
ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv
}
AGGREGATE: dict[str, Callable[[list[float]], float]] = {"sum": sum, "max": max, "min": min, "count": len}


class NotPromql(ValueError):
    """The expression is not in our part of the language."""


def scraped(text: str) -> Scrape:
    """From the text format of /metrics."""
    found: Scrape = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, {})[frozenset(sample.labels.items())] = sample.value
    return found


@dataclass
class Query:
    """One expression: `selectors` are the metrics it names with their matchers, `value` what it is against a scrape."""

    expression: str
    selectors: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    grouped: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.tokens, self.at = _tokens(self.expression), 0
        self._evaluate = self._set()
        if self.at != len(self.tokens):
            raise NotPromql(f"{self.tokens[self.at]!r} is not expected in {self.expression}")

    def value(self, scrape: Scrape) -> Vector | float:
        """A vector keeps no metric name, as after any operation."""
        return self._evaluate(scrape)

    def firing(self, scrape: Scrape) -> Vector:
        """What an alert rule fires for."""
        return _vector(self.value(scrape))

    # from the loosest to the tightest

    def _set(self) -> Evaluate:
        left = self._compared()
        while self._next() in ("and", "unless"):
            left = _filtered(self._take(), left, self._matching(), self._compared())
        return left

    def _matching(self) -> set[str] | None:
        if self._next() != "on":
            return None
        self._take()
        return set(self._names())

    def _compared(self) -> Evaluate:
        left = self._added()
        if self._next() not in COMPARE:
            return left
        compare, right = COMPARE[self._take()], self._added()

        def compared(scrape: Scrape) -> Vector:
            ours, theirs = _vector(left(scrape)), right(scrape)
            if not isinstance(theirs, float):
                raise NotPromql("compare a metric with a number")
            return {labels: n for labels, n in ours.items() if compare(n, theirs)}

        return compared

    def _added(self) -> Evaluate:
        left = self._multiplied()
        while self._next() in ("+", "-"):
            left = _both(ARITHMETIC[self._take()], left, self._multiplied())
        return left

    def _multiplied(self) -> Evaluate:
        left = self._one()
        while self._next() in ("*", "/"):
            left = _both(ARITHMETIC[self._take()], left, self._one())
        return left

    def _one(self) -> Evaluate:
        token = self._take()
        if token == "(":
            inner = self._set()
            self._expect(")")
            return inner
        if re.fullmatch(r"\d+(\.\d+)?", token):
            return lambda scrape: float(token)
        if token in AGGREGATE:
            return self._aggregated(AGGREGATE[token])
        if token == "absent":
            self._expect("(")
            inner = self._set()
            self._expect(")")
            return lambda scrape: {} if inner(scrape) else {frozenset(): 1.0}
        if not re.fullmatch(r"[a-zA-Z_]\w*", token):
            raise NotPromql(f"{token!r} is not expected in {self.expression}")
        return self._selected(token)

    def _selected(self, name: str) -> Evaluate:
        wanted: dict[str, str] = {}
        if self._next() == "{":
            self._take()
            while self._next() != "}":
                label = self._take()
                self._expect("=")
                wanted[label] = self._take().strip('"')
                if self._next() == ",":
                    self._take()
            self._expect("}")
        self.selectors.append((name, wanted))
        return lambda scrape: {k: n for k, n in scrape.get(name, {}).items() if wanted.items() <= dict(k).items()}

    def _aggregated(self, how: Callable[[list[float]], float]) -> Evaluate:
        by: set[str] = set()
        if self._next() == "by":
            self._take()
            by = set(self._names())
        self.grouped |= by
        self._expect("(")
        inner = self._set()
        self._expect(")")

        def aggregated(scrape: Scrape) -> Vector:
            groups: dict[Labels, list[float]] = {}
            for labels, n in _vector(inner(scrape)).items():
                groups.setdefault(_kept(labels, by), []).append(n)
            return {labels: float(how(values)) for labels, values in groups.items()}

        return aggregated

    def _names(self) -> list[str]:
        self._expect("(")
        names = []
        while (token := self._take()) != ")":
            names += [token] if token != "," else []
        return names

    def _next(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def _take(self) -> str:
        if not self._next():
            raise NotPromql(f"{self.expression} ends too early")
        self.at += 1
        return self.tokens[self.at - 1]

    def _expect(self, wanted: str) -> None:
        if self._take() != wanted:
            raise NotPromql(f"{wanted!r} is expected in {self.expression}")


def _tokens(expression: str) -> list[str]:
    found, at = [], 0
    text = expression.strip()
    while at < len(text):
        if not (hit := TOKEN.match(text, at)):
            raise NotPromql(f"{text[at:]!r} cannot be read")
        found.append(hit.group().strip())
        at = hit.end()
    return found


def _kept(labels: Labels, on: set[str] | None) -> Labels:
    return labels if on is None else frozenset(pair for pair in labels if pair[0] in on)


def _filtered(word: str, left: Evaluate, on: set[str] | None, right: Evaluate) -> Evaluate:
    def filtered(scrape: Scrape) -> Vector:
        keys = {_kept(labels, on) for labels in _vector(right(scrape))}
        return {k: n for k, n in _vector(left(scrape)).items() if (_kept(k, on) in keys) == (word == "and")}

    return filtered


def _vector(value: Vector | float) -> Vector:
    if isinstance(value, float):
        raise NotPromql("a metric is expected, not a number")
    return value


def _both(
    how: Callable[[float, float], float], left: Evaluate, right: Evaluate
) -> Evaluate:
    def both(scrape: Scrape) -> Vector | float:
        ours, theirs = left(scrape), right(scrape)
        if isinstance(ours, float):
            return how(ours, theirs) if isinstance(theirs, float) else {k: how(ours, n) for k, n in theirs.items()}
        if isinstance(theirs, float):
            return {k: how(n, theirs) for k, n in ours.items()}
        return {k: how(n, theirs[k]) for k, n in ours.items() if k in theirs}

    return both
