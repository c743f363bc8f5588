"""Tasks on many ranks, with threads in the place of ranks: each task is done once, and a failure ends it for all."""

from __future__ import annotations

import queue
import threading

import pytest

from hybrid.errors import ConfigurationError, DataError, HybridError
from hybrid.run.transport.tasks import Tasks


class Threads(Tasks):
    def __init__(self, rank, boxes):
        self.rank, self.size, self.boxes = rank, len(boxes), boxes

    def _send(self, rank, value):
        self.boxes[rank].put((self.rank, value))

    def _receive(self):
        return self.boxes[self.rank].get(timeout=10)


@pytest.fixture(params=[2, 3, 9])
def ranks(request):
    boxes = [queue.Queue() for _ in range(request.param)]
    return [Threads(rank, boxes) for rank in range(request.param)]


def serving(ranks, begin):
    threads = [threading.Thread(target=each.serve, args=(begin,)) for each in ranks[1:]]
    for each in threads:
        each.start()
    return threads


def ended(threads):
    for each in threads:
        each.join(10)
    return not any(each.is_alive() for each in threads)


def test_every_task_is_done_once(ranks):
    threads, done = serving(ranks, lambda plan: lambda task: plan * task), {}
    ranks[0].hand_out(10, range(5), lambda task, answer: done.update({task: answer}))
    assert ended(threads)
    assert done == {task: 10 * task for task in range(5)}


@pytest.mark.parametrize("failing", ["begin", "task", "unforeseen"])
def test_a_failure_ends_it_for_all(ranks, failing):
    about_to_fail = threading.Event()

    def begin(plan):
        def work(task):
            if task == 1:
                about_to_fail.set()
                raise DataError("disk full") if failing == "task" else KeyError("own")
            if task > 20:  # a thread may not get a turn until the others have done everything
                about_to_fail.wait(10)
            return task

        if failing == "begin":
            raise ConfigurationError("no plan")
        return work

    threads = serving(ranks, begin)
    kind, message = {
        "begin": (ConfigurationError, "no plan"),
        "task": (DataError, "disk full"),
        "unforeseen": (HybridError, "rank .*: KeyError: 'own'"),
    }[failing]
    done = []
    with pytest.raises(kind, match=message):
        ranks[0].hand_out("plan", range(100), lambda task, answer: done.append(task))
    assert ended(threads)
    assert len(done) < 60
    if len(ranks) == 2:
        assert done == ([] if failing == "begin" else [0])


def test_nobody_waits_for_a_plan_that_does_not_come(ranks):
    threads = serving(ranks, None)
    ranks[0].dismiss()
    assert ended(threads)
