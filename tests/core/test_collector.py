"""The collector is off for as long as is asked, and never for longer."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator

import pytest

from digest.core.collector import without_collector


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    collecting = gc.isenabled()
    gc.enable()
    yield
    if not collecting:
        gc.disable()


def test_it_is_off_within_and_on_again_after_one_within_another() -> None:
    with without_collector():
        with without_collector():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()


def test_it_is_on_again_after_an_error() -> None:
    with pytest.raises(ValueError, match="odd"), without_collector():
        raise ValueError("odd")
    assert gc.isenabled()


def test_who_had_it_off_keeps_it_off() -> None:
    gc.disable()
    with without_collector():
        pass
    assert not gc.isenabled()


@pytest.mark.parametrize("first_out", ["who came first", "who came second"])
def test_it_is_on_again_when_two_threads_are_through_whoever_ends_first(first_out: str) -> None:
    both_in, go_on = threading.Barrier(2), threading.Event()

    def second() -> None:
        with without_collector():
            both_in.wait(5)
            if first_out == "who came first":
                assert go_on.wait(5)

    other = threading.Thread(target=second)
    with without_collector():
        other.start()
        both_in.wait(5)
        if first_out == "who came second":
            other.join(5)
    go_on.set()
    other.join(5)
    assert not other.is_alive()
    assert gc.isenabled()


def test_it_is_on_again_when_one_thread_leaves_while_another_enters(monkeypatch: pytest.MonkeyPatch) -> None:
    looked, first_left = threading.Event(), threading.Event()
    is_on = gc.isenabled

    def slow_look() -> bool:
        on = is_on()
        if threading.current_thread() is other:
            looked.set()
            first_left.wait(0.5)  # which it cannot while this thread is between its look and what it does
        return on

    def second() -> None:
        with without_collector():
            pass

    other = threading.Thread(target=second)
    monkeypatch.setattr(gc, "isenabled", slow_look)
    with without_collector():
        other.start()
        looked.wait(0.5)
    first_left.set()
    other.join(5)
    assert is_on()
