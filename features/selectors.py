"""Selectors: which events a feature looks at. All of them, those of a behaviour, or those that one feature lists."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from features.definition import Definition
from features.names import matches
from features.workspaces.behaviours import ANY, Behaviour, EventPattern
from features.workspaces.conditions import Where, all_hold

MILLISECONDS, MINOR_UNITS = 3, 2
"""Digits that are kept: durations are seconds with milliseconds, amounts have minor units."""

OWN = "feature:"


@dataclass(frozen=True, slots=True)
class Selector:
    """A set of events, with the properties that say how long and how much."""

    key: str
    patterns: tuple[EventPattern, ...]
    duration: str | None
    amount: str | None
    usual: frozenset[str]
    """The folded names that leads usually use, as learnt."""

    @property
    def everything(self) -> bool:
        """Whether every event is meant, mapped or not."""
        return self.key == ANY


@dataclass(frozen=True, slots=True)
class Use:
    """What one event name means: the selectors that take every such event, and those that ask its properties first."""

    name: str
    always: tuple[int, ...]
    asking: tuple[tuple[int, tuple[Where, ...]], ...]
    """Selector and alternatives: one of them must hold."""
    asked: tuple[str, ...]
    """The properties that decide, sorted."""
    properties: frozenset[str]
    """The properties that say how long or how much such an event was, for one of its selectors."""

    def selectors(self, properties: Mapping[str, object]) -> tuple[int, ...]:
        """Return the selectors that take an event with such properties."""
        taken = [selector for selector, wheres in self.asking if any(all_hold(properties, where) for where in wheres)]
        return tuple(sorted((*self.always, *taken))) if taken else self.always


def selectors_of(definition: Definition) -> tuple[Selector, ...]:
    """Return every selector of a definition: any, the behaviours, the features that list events of their own."""
    found = [Selector(ANY, (), None, None, frozenset(definition.vocabulary.get(ANY, ())))]
    for name, behaviour in definition.behaviours.items():
        usual = frozenset(definition.vocabulary.get(name, ()))
        found.append(Selector(name, behaviour.events, behaviour.duration, behaviour.amount, usual))
    for name, feature in definition.features.items():
        if feature.patterns:
            player = definition.behaviours.get(feature.behaviour or "", Behaviour.model_construct())
            usual = frozenset(definition.vocabulary.get(name, ()))
            found.append(Selector(OWN + name, feature.patterns, player.duration, player.amount, usual))
    return tuple(found)


def use_of(selectors: tuple[Selector, ...], name: str) -> Use:
    """Find out what a folded event name means."""
    always: list[int] = []
    asking: list[tuple[int, tuple[Where, ...]]] = []
    for index, selector in enumerate(selectors):
        fitting = [pattern.where for pattern in selector.patterns if matches(pattern.event, name)]
        if selector.everything or any(not where for where in fitting):
            always.append(index)
        elif fitting:
            asking.append((index, tuple(fitting)))
    taking = [selectors[index] for index in (*always, *(index for index, _ in asking))]
    properties = {prop for selector in taking for prop in (selector.duration, selector.amount) if prop}
    asked = sorted({prop for _, wheres in asking for where in wheres for prop in where})
    return Use(name, tuple(always), tuple(asking), tuple(asked), frozenset(properties))
