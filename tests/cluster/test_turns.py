"""Workers take turns with what they share. Needs no cluster."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from turns import Turns

SOON = 0.2
LIMIT_S = 60
Two = tuple[Turns, Turns]


@pytest.fixture
def workers(tmp_path: Path) -> Two:
    return Turns(tmp_path), Turns(tmp_path)


Waits = Callable[[Callable[[], AbstractContextManager[None]]], Future[None]]


@pytest.fixture
def waits() -> Iterator[Waits]:
    """Return what takes a turn in a thread, and ends well only if it has to wait for it."""

    def take(turn: Callable[[], AbstractContextManager[None]]) -> None:
        with turn():
            pass

    def wait(turn: Callable[[], AbstractContextManager[None]]) -> Future[None]:
        taken = pool.submit(take, turn)
        with pytest.raises(TimeoutError):
            taken.result(SOON)
        return taken

    with ThreadPoolExecutor() as pool:
        yield wait


def test_what_is_shared_is_made_once(workers: Two) -> None:
    first, second = workers
    made = first.once("rows", lambda path: path.write_text("the first's"))
    assert second.once("rows", lambda path: path.write_text("the second's")) == made
    assert made.read_text() == "the first's"


def test_what_could_not_be_made_is_made_by_the_next(workers: Two) -> None:
    first, second = workers
    with pytest.raises(ZeroDivisionError):
        first.once("rows", lambda _: 1 / 0)
    assert second.once("rows", lambda path: path.touch()).exists()


def test_who_has_the_hadoop_alone_has_it_when_all_others_have_left(workers: Two, waits: Waits) -> None:
    """A worker that has it already may ask again while another waits."""
    first, second = workers
    with first.beside_others():
        taken = waits(second.alone)
        with first.beside_others():
            assert not taken.done()
    taken.result(LIMIT_S)


def test_nobody_else_has_it_meanwhile_and_two_may_have_it_together(workers: Two, waits: Waits) -> None:
    first, second = workers
    with first.alone():
        taken = waits(second.beside_others)
    taken.result(LIMIT_S)
    with first.beside_others(), second.beside_others():
        pass


def test_the_last_worker_knows_that_it_is_the_last(workers: Two) -> None:
    first, second = workers
    with first.held("session", shared=True) as mine:
        with second.held("session", shared=True):
            assert not first.is_last(mine)
        assert first.is_last(mine)
