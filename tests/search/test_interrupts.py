"""Ctrl-C that waits, as a signal to this process."""

import signal
import threading

import pytest

from matrl.search.interrupts import deferred_interrupts


@pytest.fixture(autouse=True)
def default_handler():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def press() -> None:
    signal.raise_signal(signal.SIGINT)


def test_once_is_noted_and_twice_raises():
    with deferred_interrupts() as pressed:
        assert not pressed()
        press()
        assert pressed()
        with pytest.raises(KeyboardInterrupt):
            press()
    with pytest.raises(KeyboardInterrupt):
        press()


def test_the_handler_is_put_back_after_an_error():
    with pytest.raises(ZeroDivisionError), deferred_interrupts():
        raise ZeroDivisionError
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_the_handler_of_somebody_else_stays():
    caught = []
    signal.signal(signal.SIGINT, lambda *_: caught.append(1))
    with deferred_interrupts() as pressed:
        press()
        assert not pressed()
    assert caught == [1]


def test_another_thread_has_no_ctrl_c():
    seen = []

    def work() -> None:
        with deferred_interrupts() as pressed:
            seen.append(pressed())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [False]
