"""The one interpreter: events, looked at from an instant, become integers, and each feature is one quotient of them.

Training over millions of leads, the live server and any cluster run this source. It walks the events of a lead forward, once,
however many looks are taken at it. Each selector keeps running totals, and a trail: before an event is added, what was counted
up to it is written down. What a window ``(as_of - w, as_of]`` holds is then the total less what stood on the trail before the
first event inside, and that first event only ever moves forward. Ties in time do not matter: no number depends on the order of
events of one instant. An event that becomes known after a look that it precedes makes the walk start over, once.

Features over account mates are the same walk over the pooled events of an account, in which only the chosen mates count.

Everything that varies is an argument, because the disk cache of compiled code does not see globals that come from configuration.
For the same reason all that is compiled together stands in this file: the cache does not see changes of another one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.arrays import History, Layout, Looks, Memory, Pool, Quotients
from features.compiled import compiled, uncompiled

Ints = NDArray[np.int64]

# The tracks of a selector: what is counted for it. Windows can be asked for the tracks below FIRST_SINGLE.
COUNT, DAYS, NAMES, USUAL, DURATION, DURATIONS, AMOUNT, AMOUNTS, NIGHT, WEEKEND, BUSINESS, SESSIONS, ACTIVE, PEOPLE = range(14)
HAS, LAST, FIRST, CURRENT, LONGEST = range(14, 19)
FIRST_SINGLE, TRACKS = 14, 19
# What else is remembered of a selector: the day of its newest event, and where its trail goes on.
_DAY, _ROW, _STATES = 19, 20, 21

MOST_MATES = 200

_LARGEST = 2**53 - 1  # integers up to here are exact as floating point
_NO_NUMBER = -(2**63)  # features.exact.MISSING
_NEVER = 2**62  # features.clock
_NIGHT_BIT, _WEEKEND_BIT, _BUSINESS_BIT = 1, 2, 4  # features.calendar


@compiled
def new_memory(layout: Layout, slots: int, members: int) -> Memory:
    """Return an empty memory."""
    selectors, windows = len(layout.step), len(layout.window_us)
    return Memory(
        np.zeros((selectors, _STATES), dtype=np.int64),
        np.zeros(selectors, dtype=np.int64),
        np.zeros(windows, dtype=np.int64),
        np.zeros(windows, dtype=np.int64),
        np.zeros(windows, dtype=np.int64),
        np.zeros(slots, dtype=np.int64),
        np.zeros(slots, dtype=np.int64),
        np.full(members, -1, dtype=np.int64),
        np.zeros((selectors, min(members, MOST_MATES)), dtype=np.int64),
    )


@compiled
def lay_trail(history: History, layout: Layout, memory: Memory, first: int, end: int, trail: Ints) -> Ints:
    """Give every selector a stretch of the trail, as long as its events need; return the trail, a longer one if need be."""
    begin = memory.begin
    begin[:] = layout.room
    for event in range(first, end):
        kind = history.kind[event]
        for pair in range(history.kind_at[kind], history.kind_at[kind + 1]):
            selector = history.pair_selector[pair]
            begin[selector] += layout.step[selector]
    size = 0
    for selector in range(len(begin)):
        size += begin[selector]
        begin[selector] = size - begin[selector]
    return trail if size <= len(trail) else np.empty(2 * size, dtype=np.int64)


@compiled
def start_over(layout: Layout, memory: Memory) -> None:
    """Forget every event."""
    memory.now[:] = 0
    memory.now[:, _DAY] = -1
    memory.now[:, _ROW] = memory.begin
    memory.names[:] = 0
    memory.usual[:] = 0
    memory.people[:] = -_NEVER
    for window in range(len(memory.head)):
        memory.head[window] = memory.begin[layout.window_selector[window]]


@compiled
def walk(
    history: History,
    pool: Pool,
    layout: Layout,
    memory: Memory,
    trail: Ints,
    first: int,
    end: int,
    as_of: int,
    start: int,
    number: int,
) -> tuple[int, int]:
    """Add events; return when the newest of them became known, and when the next of those left out will be."""
    newest, due = start, _NEVER
    for event in range(first, end):
        who = 0
        if len(pool.member) > 0:
            who = memory.person[pool.member[event]]
            if who < 0:
                continue
        if history.known[event] > as_of:
            due = min(due, history.known[event])
            continue
        newest = max(newest, history.known[event])
        at = history.at[event]
        times = history.times[event]
        kind = history.kind[event]
        for pair in range(history.kind_at[kind], history.kind_at[kind + 1]):
            selector = history.pair_selector[pair]
            column, now = layout.columns[selector], memory.now[selector]
            row = np.uint64(now[_ROW])  # unsigned: what cannot be negative needs no check for counting from the end
            trail[row] = at
            if column[COUNT]:
                trail[row + column[COUNT]] = now[COUNT]
                now[COUNT] += times
            if column[DAYS]:
                day = history.day[event]
                if day != now[_DAY]:
                    now[DAYS] += 1
                    now[CURRENT] = now[CURRENT] + 1 if day - now[_DAY] == 1 else 1
                    now[LONGEST] = max(now[LONGEST], now[CURRENT])
                    now[_DAY] = day
                trail[row + column[DAYS]] = now[DAYS] - 1
            if column[NAMES]:
                slot = history.pair_slot[pair]
                trail[row + column[NAMES]] = slot
                before = memory.slot_row[slot] if memory.slot_walk[slot] == number else -1
                if before < 0:
                    now[NAMES] += 1
                    now[USUAL] += history.usual[slot]
                window = layout.window_at[selector + 1] - 1
                while window >= layout.window_at[selector] and before < memory.head[window]:
                    memory.names[window] += 1
                    memory.usual[window] += history.usual[slot]
                    window -= 1
                memory.slot_walk[slot] = number
                memory.slot_row[slot] = row
            if column[DURATION]:
                trail[row + column[DURATION]] = now[DURATION]
                trail[row + column[DURATIONS]] = now[DURATIONS]
                value = history.numbers[layout.numbers[selector, 0], event]
                if value != _NO_NUMBER:
                    now[DURATION] += value
                    now[DURATIONS] += 1
            if column[AMOUNT]:
                trail[row + column[AMOUNT]] = now[AMOUNT]
                trail[row + column[AMOUNTS]] = now[AMOUNTS]
                value = history.numbers[layout.numbers[selector, 1], event]
                if value != _NO_NUMBER:
                    now[AMOUNT] += value
                    now[AMOUNTS] += 1
            if column[NIGHT]:
                bits = history.bits[event]
                trail[row + column[NIGHT]] = now[NIGHT]
                trail[row + column[WEEKEND]] = now[WEEKEND]
                trail[row + column[BUSINESS]] = now[BUSINESS]
                if bits & _NIGHT_BIT:
                    now[NIGHT] += times
                if bits & _WEEKEND_BIT:
                    now[WEEKEND] += times
                if bits & _BUSINESS_BIT:
                    now[BUSINESS] += times
            if column[SESSIONS]:
                # A session lies where its last event does, and a pause where the event before it does.
                if now[HAS] == 0 or at - now[LAST] >= layout.gap:
                    now[SESSIONS] += 1
                else:
                    now[ACTIVE] += at - now[LAST]
                trail[row + column[SESSIONS]] = now[SESSIONS] - 1
                trail[row + column[ACTIVE]] = now[ACTIVE]
            if column[PEOPLE]:
                memory.people[selector, who] = at
            if now[HAS] == 0:
                now[HAS] = 1
                now[FIRST] = max(0, at - start)
            now[LAST] = at
            now[_ROW] += layout.step[selector]
    return newest, due


@compiled
def active_people(memory: Memory, selector: int, before: int) -> int:
    """Count the mates with an event after an instant."""
    count = 0
    for last in memory.people[selector]:
        count += last > before
    return count


@compiled
def measure(history: History, layout: Layout, memory: Memory, trail: Ints, as_of: int, today: int, cells: Ints) -> None:
    """Write into the cells what has been counted by a look, in its windows and as a whole."""
    for i in range(len(layout.whole)):
        selector, track, cell = layout.whole[i, 0], layout.whole[i, 1], layout.whole[i, 2]
        now = memory.now[selector]
        if track == LAST:
            cells[cell] = (as_of - now[LAST]) * now[HAS]
        elif track == CURRENT and today - now[_DAY] > 1:
            cells[cell] = 0  # A run that ended yesterday is still going on: today is not over.
        elif track == PEOPLE:
            cells[cell] = active_people(memory, selector, -_NEVER)
        else:
            cells[cell] = now[track]
    for window in range(len(layout.window_us)):
        selector = layout.window_selector[window]
        column, now = layout.columns[selector], memory.now[selector]
        end, step, before = now[_ROW], layout.step[selector], as_of - layout.window_us[window]
        head = memory.head[window]
        if window > layout.window_at[selector] and memory.head[window - 1] > head:
            head = memory.head[window - 1]  # What has left a longer window has left this one.
            memory.names[window], memory.usual[window] = memory.names[window - 1], memory.usual[window - 1]
        while head < end and trail[head] <= before:
            if column[NAMES]:
                slot = trail[head + column[NAMES]]
                if memory.slot_row[slot] == head:
                    memory.names[window] -= 1
                    memory.usual[window] -= history.usual[slot]
            head += step
        memory.head[window] = head
        for part in range(layout.part_at[window], layout.part_at[window + 1]):
            track, cell = layout.parts[part, 0], layout.parts[part, 1]
            if track == NAMES:
                cells[cell] = memory.names[window]
            elif track == USUAL:
                cells[cell] = memory.usual[window]
            elif track == PEOPLE:
                cells[cell] = active_people(memory, selector, before)
            elif head < end:
                cells[cell] = now[track] - trail[head + column[track]]
            else:
                cells[cell] = 0


@compiled
def divide(quotients: Quotients, cells: Ints, age: int, row: NDArray[np.float64]) -> None:
    """Write the features of one look: one rounding each, and missing where the denominator is nought or the age too low."""
    for i in range(len(quotients.min_age)):
        factor, place = quotients.factors[i], quotients.places[i]
        above = factor[0] * cells[place[0]] + factor[1] * cells[place[1]]
        below = factor[2] * cells[place[2]]
        if below == 0 or age < quotients.min_age[i]:
            row[quotients.columns[i]] = np.nan
        else:
            above = min(max(above, -_LARGEST), _LARGEST)
            row[quotients.columns[i]] = min(max(above / min(below, _LARGEST), quotients.low[i]), quotients.high[i])


@compiled
def choose(history: History, pool: Pool, account: int, lead: int, as_of: int, person: Ints) -> bool:
    """Number the mates of a lead that count as of an instant; return whether they are others than before.

    They are the other members known by then, at most the 200 most recently active: of those, one whose newest event is newer
    comes first, and of two of one instant the one whose id is less.
    """
    first, end = pool.offsets[account], pool.offsets[account + 1]
    candidates, same = 0, True
    for member in range(first, end):
        fits = member != lead and pool.joined[member] <= as_of
        candidates += fits
        same = same and fits == (person[member] >= 0)
    if candidates <= MOST_MATES:
        if not same:
            number = 0
            for member in range(first, end):
                fits = member != lead and pool.joined[member] <= as_of
                person[member] = number if fits else -1
                number += fits
        return not same
    number = 0
    chosen = np.full(end - first, -1, dtype=np.int64)
    for event in range(history.offsets[account + 1] - 1, history.offsets[account] - 1, -1):
        member = pool.member[event]
        fits = member != lead and pool.joined[member] <= as_of
        if fits and chosen[member - first] < 0 and history.at[event] <= as_of and history.known[event] <= as_of:
            chosen[member - first] = number
            number += 1
            if number == MOST_MATES:
                break
    same = True
    for member in range(first, end):
        same = same and (chosen[member - first] >= 0) == (person[member] >= 0)
    if not same:
        person[first:end] = chosen
    return not same


@compiled
def end_of_looks(looks: Looks, turn: int) -> int:
    """Return where the looks end that can be taken in one walk with a look."""
    stop = turn + 1
    while stop < len(looks.place) and looks.as_of[stop] >= looks.as_of[stop - 1]:
        if looks.place[stop] != looks.place[turn] or looks.lead[stop] != looks.lead[turn]:
            break
        stop += 1
    return stop


@compiled
def look(
    history: History, pool: Pool, layout: Layout, quotients: Quotients, looks: Looks, values: NDArray[np.float64], newest: Ints
) -> None:
    """Write one row of features for each look, and when the newest event behind it became known; without a place, nothing."""
    memory = new_memory(layout, len(history.usual), len(pool.joined))
    trail = np.empty(256, dtype=np.int64)
    cells = np.zeros(layout.cells, dtype=np.int64)
    number, turn, stop = 0, 0, 0
    while turn < len(looks.place):
        place, lead = looks.place[turn], looks.lead[turn]
        stop = end_of_looks(looks, turn)
        if place < 0:
            turn = stop
            continue
        first = history.offsets[place]
        stream = history.at[first : history.offsets[place + 1]]
        end = first + np.searchsorted(stream, looks.as_of[stop - 1], side="right")
        trail = lay_trail(history, layout, memory, first, end, trail)
        if len(pool.joined) > 0:
            memory.person[pool.offsets[place] : pool.offsets[place + 1]] = -1
        event, due, known = first, -_NEVER, 0
        for i in range(turn, stop):
            as_of, start = looks.as_of[i], looks.start[i]
            if len(pool.joined) > 0 and choose(history, pool, place, lead, as_of, memory.person):
                due = -_NEVER
            if due <= as_of:
                start_over(layout, memory)
                event, due, known, number = first, _NEVER, start, number + 1
            begun = event
            while event < end and history.at[event] <= as_of:
                event += 1
            known_now, due_now = walk(history, pool, layout, memory, trail, begun, event, as_of, start, number)
            known, due = max(known, known_now), min(due, due_now)
            cells[: looks.given.shape[1]] = looks.given[i]
            measure(history, layout, memory, trail, as_of, looks.today[i], cells)
            row = looks.row[i]
            divide(quotients, cells, as_of - start, values[row])
            newest[row] = max(newest[row], known)
        turn = stop


look_uncompiled = uncompiled(look)
"""The same without any compiled code: what the compiled code must equal to the bit."""
