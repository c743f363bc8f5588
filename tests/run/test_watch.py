"""Who is named when ranks wait: several watches in one process, with a clock and messages that a test moves."""

from __future__ import annotations

import numpy as np
import pytest

from hybrid.run.stopping import StopRequest
from hybrid.run.transport import watch as module
from hybrid.run.transport.watch import Watch

TIMEOUT_S = 40.0


class Given(Exception):  # noqa: N818
    """In place of the end of a process."""


class Sent:
    def Test(self):  # noqa: N802
        return True


def _give_up(watch, message):
    raise Given(message)


class Line:
    """A communicator of which only reports are used."""

    def __init__(self, rank, queues):
        self.rank, self.queues = rank, queues

    def Isend(self, buffer, rank, tag):  # noqa: N802
        self.queues[rank].append(bytes(buffer))
        return Sent()

    def Iprobe(self, tag):  # noqa: N802
        return bool(self.queues[self.rank])

    def Recv(self, buffer, tag):  # noqa: N802
        buffer[:] = np.frombuffer(self.queues[self.rank].pop(0), "u1")


class Ranks:
    """Some ranks; those in ``waiting`` look up ten times a second."""

    def __init__(self, size, monkeypatch):
        self.now, self.ends, self.told = 0.0, {}, []
        monkeypatch.setattr(module.time, "monotonic", lambda: self.now)
        monkeypatch.setattr(module.faulthandler, "dump_traceback_later", lambda *_, **__: None)
        monkeypatch.setattr(module.faulthandler, "cancel_dump_traceback_later", lambda: None)
        monkeypatch.setattr(Watch, "_end", _give_up)
        self.queues = [[] for _ in range(size)]
        self.stopping = [StopRequest() for _ in range(size)]
        self.watches = [
            Watch(
                rank,
                size,
                TIMEOUT_S,
                self.stopping[rank],
                lambda who, busy, rank=rank: self.told.append((rank, who, busy)),
            )
            for rank in range(size)
        ]
        for rank, each in enumerate(self.watches):
            each.comm = Line(rank, self.queues)
        self.known = {}
        self.waiting = []

    def enter(self, *ranks):
        for rank in ranks:
            self.watches[rank].enter()
            self.watches[rank].begin(self.now)
            self.waiting.append(rank)

    def leave(self, *ranks):
        self.waiting = [rank for rank in self.waiting if rank not in ranks]

    def wait(self, seconds):
        for _ in range(round(seconds * 10)):
            self.now += 0.1
            for rank in list(self.waiting):
                known, exact = self.known.get(rank, ([], False))
                try:
                    self.watches[rank].look(self.now, "window 7", lambda known=known: known, exact)
                except Given as given:
                    self.ends[rank] = str(given)
                    self.waiting.remove(rank)

    def reports(self):
        return sum(int(each.sent[0]) + int(each.sent[1]) * (len(self.watches) - 1) for each in self.watches)


@pytest.fixture
def ranks(monkeypatch):
    return lambda size: Ranks(size, monkeypatch)


def says(rank, names):
    return f"rank {rank} waited 40 s for rank(s) {names} at window 7; giving up"


def test_nothing_is_sent_in_an_exchange_of_less_than_a_second(ranks):
    few = ranks(4)
    for _ in range(5):
        few.enter(0, 1, 2, 3)
        few.wait(0.8)
        few.leave(0, 1, 2, 3)
    assert few.reports() == 0


@pytest.mark.parametrize("late_s", [0.0, 39.0, 39.9])
def test_all_name_the_one_that_does_not_come_however_late_rank_0_is(ranks, late_s):
    few = ranks(4)
    few.enter(1, 3)
    few.wait(late_s)
    few.enter(0)
    few.wait(41.0)
    assert few.ends[1] == says(1, "2")
    assert few.ends[3] == says(3, "2")
    few.wait(40.0)
    assert few.ends[0] == says(0, "2") if not late_s else few.ends[0].startswith("rank 0 waited")


def test_rank_0_is_named_by_the_others_together_with_a_neighbour_that_is_silent(ranks):
    few = ranks(4)
    few.enter(1, 2)
    few.known = {2: ([3], False)}
    few.wait(41.0)
    assert few.ends == {1: says(1, "0"), 2: says(2, "0, 3")}


def test_who_is_known_to_be_waited_for_is_named_without_asking(ranks):
    few = ranks(3)
    few.enter(0, 1, 2)
    few.known = {0: ([2], True)}
    few.wait(41.0)
    assert few.ends == {0: says(0, "2"), 1: says(1, "2"), 2: says(2, "2")}


def test_a_rank_that_waits_elsewhere_is_not_the_one_that_hangs(ranks):
    few = ranks(4)
    few.enter(0, 1, 2, 3)
    few.leave(0, 1, 2)  # 2 waits in this exchange for 3, which has stopped; 0 and 1 are ahead
    few.leave(3)
    few.waiting.append(2)
    few.enter(0, 1)
    few.wait(41.0)
    assert set(few.ends.values()) == {says(0, "3"), says(1, "3"), says(2, "3")}


def test_one_that_is_behind_is_named_if_all_answer(ranks):
    few = ranks(3)
    few.enter(0, 1, 2)
    few.leave(0, 1)
    few.enter(0, 1)
    few.wait(41.0)
    assert few.ends[0] == says(0, "2")


def test_signs_of_life_renew_the_patience_of_all_and_say_what_is_done(ranks):
    few = ranks(4)
    few.enter(0, 1, 3)
    for k in range(5):
        few.watches[2].tell(f"preparing c{k}")
        few.wait(30.0)
    assert not few.ends
    assert {rank: [busy for who, at, busy in few.told if who == rank and at == 2] for rank in (0, 1, 3)} == {
        rank: [f"preparing c{k}" for k in range(5)] for rank in (0, 1, 3)
    }
    few.wait(15.0)
    assert few.ends == {rank: says(rank, "2 (preparing c4)") for rank in (0, 1, 3)}


def test_what_rank_0_tells_reaches_those_that_wait_for_it(ranks):
    few = ranks(3)
    few.watches[0].tell("preparing a")
    few.enter(1, 2)
    few.wait(41.0)
    assert few.told == [(1, 0, "preparing a"), (2, 0, "preparing a")]
    assert few.ends == {1: says(1, "0 (preparing a)"), 2: says(2, "0 (preparing a)")}


def test_what_was_told_before_an_exchange_is_kept_until_it_is_over(ranks):
    few = ranks(2)
    few.enter(0, 1)
    few.watches[1].tell("preparing z")
    few.leave(1)
    few.wait(0.5)  # rank 0 reads it while it still waits in the exchange before
    few.leave(0)
    few.enter(0)
    few.wait(41.0)
    assert few.ends[0] == says(0, "1 (preparing z)")
    few.enter(0)
    assert not few.watches[0]._busy


def test_news_travel_at_most_once_a_second(ranks):
    many = ranks(50)
    many.enter(*range(40))
    for k in range(100):
        many.watches[45].tell(f"{k}")
        many.wait(0.1)
    # rank 0's rounds to 49, the answers of those that wait, and what rank 45 tells
    assert many.reports() <= 11 * 49 + 39 + 100
    assert many.told[-1][2] in ("98", "99")


def test_of_many_the_first_are_named_and_the_others_counted(ranks):
    many = ranks(60)
    many.enter(*range(40))
    many.wait(41.0)
    assert many.ends[0] == says(0, "40, 41, 42, 43, 44, 45, 46, 47, 12 more")
    assert many.ends[7] == says(7, "40, 41, 42, 43, 44, 45, 46, 47, 12 more")


def test_who_was_told_to_end_waits_for_twenty_seconds_and_names_whom(ranks):
    few = ranks(4)
    few.stopping[3].asked, few.stopping[3].at = "SIGTERM", 0.0
    few.wait(18.0)
    few.enter(0, 1, 3)
    few.wait(12.0)
    assert few.ends == {
        3: "rank 3 was told to end (SIGTERM) and waited 20 s for rank(s) 2 at window 7: lost, or busy for too long"
    }


def test_a_process_that_is_gone_is_named_when_it_is_not_found_twice(ranks, monkeypatch):
    few = ranks(3)
    alive = {11, 12}
    monkeypatch.setattr(module, "lives", lambda process: process in alive)
    few.watches[0].processes = {1: 11, 2: 12}
    few.enter(0)
    few.wait(1.0)
    alive.remove(12)
    few.wait(0.2)
    assert not few.ends
    few.wait(0.6)
    assert few.ends == {0: "rank(s) 2 died before or at window 7"}


def test_no_report_is_under_way_when_a_run_is_over(ranks):
    few = ranks(3)
    few.enter(0, 1)
    few.wait(3.0)
    few.enter(2)
    for each in few.watches:
        each.stop()
    total = sum(each.sent for each in few.watches)
    assert total.tolist() == [1, 2]  # rank 1 has answered one of two rounds, rank 2 none
    assert not few.watches[2].is_empty(total + 1)
    assert all(each.is_empty(total) for each in few.watches)
    assert not any(few.queues)
    assert sum(each.sent for each in few.watches).tolist() == [1, 2]


def test_stacks_are_shown_by_who_does_not_look_up_in_time(ranks, monkeypatch):
    armed = []
    few = ranks(2)
    monkeypatch.setattr(
        module.faulthandler, "dump_traceback_later", lambda after_s, **_: armed.append(few.now + after_s)
    )
    few.enter(0)
    assert armed == [36.0]
    for _ in range(100):  # windows of 0.1 s
        few.now += 0.1
        few.watches[0].enter()
    assert len(armed) == 3
    few.watches[0].begin(few.now)
    few.wait(30.0)  # a rank that waits does not hang
    assert armed[-1] > few.now + 30.0
    few.watches[0].tell("preparing")
    assert armed[-1] == pytest.approx(few.now + 36.0)
