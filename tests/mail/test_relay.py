"""Many messages over several connections: pipelined where that is offered, and never in doubt without need."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable

import pytest

from digest.errors import LostInDoubt, RelayUnavailable
from digest.mail.message import Envelope
from digest.mail.parcel import Answered, Failed, News, Unbegun, Wanted
from digest.mail.smtp import MESSAGES_PER_CONNECTION, Relay, Verdict
from tests.mail.servers import DROP, RESET, STALL, CountingSink, ScriptedServer

PIPELINING = ("PIPELINING",)


def envelope(key: int) -> Envelope:
    return Envelope("bounces@firstlight.example", f"r{key}@reader.example")


def message(key: int) -> bytes:
    return f"Message-ID: <{key}@firstlight.example>\r\n\r\nbody {key}\r\n".encode()


def begin(relay: Relay, *keys: int) -> None:
    for key in keys:
        relay.begin(key, envelope(key), message(key))


def heard(relay: Relay, until: Callable[[list[News]], bool], seconds: float = 10) -> list[News]:
    """Listen until what was heard satisfies `until`."""
    news: list[News] = []
    end = time.monotonic() + seconds
    while not until(news):
        assert time.monotonic() < end, news
        news += relay.listen(0.05)
    return news


def some(number: int) -> Callable[[list[News]], bool]:
    return lambda news: len(news) >= number


def send_all(relay: Relay, keys: list[int]) -> dict[int, News]:
    """Send as an engine does, without committing anything; returns the last word on each."""
    waiting, ended, on_the_way = list(keys), {}, set()
    end = time.monotonic() + 30
    while waiting or on_the_way:
        assert time.monotonic() < end
        for _ in range(relay.room(len(waiting))):
            begin(relay, waiting[0])
            on_the_way.add(waiting.pop(0))
        for news in relay.listen(0.05):
            match news:
                case Wanted(key):
                    relay.seal(key)
                case Unbegun(key):
                    on_the_way.remove(key)
                    waiting.insert(0, key)
                case _:
                    on_the_way.remove(news.key)
                    ended[news.key] = news
        if relay.trouble and not on_the_way:
            break
    return ended


def test_an_envelope_goes_in_one_write_and_the_next_one_behind_the_final_dot() -> None:  # checklist 38
    with ScriptedServer(features=PIPELINING) as server, Relay(server.url, helo="us.example", connections=1) as relay:
        begin(relay, 1)
        assert heard(relay, some(1)) == [Wanted(1)]
        assert server.heard[1:] == [
            "MAIL FROM:<bounces@firstlight.example>",
            "RCPT TO:<r1@reader.example>",
            "DATA",
        ]
        assert relay.room(5) == 0
        relay.seal(1)
        assert relay.room(5) == 1
        begin(relay, 2)
        news = heard(relay, some(2))
        assert [type(one) for one in news] == [Answered, Wanted]
        assert len(server.messages) == 1  # the second one waits for its own seal
        relay.seal(2)
        (last,) = heard(relay, some(1))
        assert isinstance(last, Answered)
        assert last.reply.verdict is Verdict.ACCEPTED
    assert server.connections == 1
    assert "RSET" not in server.heard


class OneAtATime:
    """A server that offers no pipelining and counts commands that came before the last one was answered."""

    def __init__(self) -> None:
        self.early = 0
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"smtp://127.0.0.1:{self._listening.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        connection, _ = self._listening.accept()
        with connection, self._listening:
            connection.sendall(b"220 one at a time\r\n")
            while words := connection.recv(65536):
                self.early += words.count(b"\r\n") - 1
                if words.startswith(b"DATA"):
                    connection.sendall(b"354 go on\r\n")
                    body = b""
                    while not body.endswith(b"\r\n.\r\n"):
                        body += connection.recv(65536)
                time.sleep(0.02)
                connection.sendall(b"250 fine\r\n")


def test_without_pipelining_each_command_waits_for_its_answer() -> None:  # checklist 38
    server = OneAtATime()
    with Relay(server.url, helo="us.example", connections=1) as relay:
        ended = send_all(relay, [1, 2, 3])
    assert [one.reply.verdict for one in ended.values() if isinstance(one, Answered)] == [Verdict.ACCEPTED] * 3
    assert server.early == 0


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA", "."])
@pytest.mark.parametrize(("said", "verdict"), [("451 4.3.0 later", "deferred"), ("550 5.1.1 nobody", "rejected")])
def test_a_refusal_in_a_pipeline_is_that_messages_own(verb: str, said: str, verdict: str) -> None:
    with (
        CountingSink(answer=lambda asked, n: said if (asked, n) == (verb, 2) else None) as sink,
        Relay(sink.url, helo="us.example", connections=1) as relay,
    ):
        ended = send_all(relay, [1, 2, 3, 4])
    verdicts = [one.reply.verdict for _, one in sorted(ended.items()) if isinstance(one, Answered)]
    assert verdicts == ["accepted", verdict, "accepted", "accepted"]
    assert sorted(sink.taken.values()) == [1, 1, 1]
    assert sink.most_at_once == 1


def test_a_relay_that_asks_for_a_message_it_refused_never_gets_its_dot() -> None:
    class Sloppy(ScriptedServer):
        """Say 354 to DATA whatever was said before."""

    script = {"RCPT": ["550 5.1.1 nobody", "250 fine"]}
    with (
        Sloppy(script, features=PIPELINING) as server,
        Relay(server.url, helo="us.example", connections=1) as relay,
    ):
        ended = send_all(relay, [1, 2])
    assert [one.reply.code for _, one in sorted(ended.items()) if isinstance(one, Answered)] == [550, 250]
    assert len(server.messages) == 1
    assert server.connections == 2


@pytest.mark.parametrize("said", [DROP, RESET, "nonsense", "354 what"])
def test_only_what_is_past_its_final_dot_is_in_doubt(said: str) -> None:
    with (
        CountingSink(answer=lambda verb, n: said if (verb, n) == (".", 1) else None) as sink,
        Relay(sink.url, helo="us.example", connections=1) as relay,
    ):
        begin(relay, 1)
        heard(relay, some(1))
        relay.seal(1)
        begin(relay, 2)
        news = {one.key: one for one in heard(relay, some(2))}
        assert isinstance(news[1], Failed)
        assert isinstance(news[1].error, LostInDoubt)
        assert news[2] == Unbegun(2)
        assert relay.room(2) == 0
        assert "after the final dot" in relay.trouble


def test_a_relay_that_does_not_answer_the_dot_is_given_up_in_time_and_a_message_behind_it_is_freed() -> None:
    with (
        CountingSink(answer=lambda verb, n: STALL if (verb, n) == (".", 1) else None) as sink,
        Relay(sink.url, helo="us.example", connections=1, timeout=5, final_timeout=0.5) as relay,
    ):
        begin(relay, 1)
        heard(relay, some(1))
        relay.seal(1)
        begin(relay, 2)
        news = {one.key: one for one in heard(relay, some(2))}
        assert isinstance(news[1], Failed)
        assert isinstance(news[1].error, LostInDoubt)
        assert news[2] == Unbegun(2)


def test_a_message_taken_back_is_never_sent() -> None:
    with CountingSink() as sink, Relay(sink.url, helo="us.example", connections=1) as relay:
        begin(relay, 1)
        heard(relay, some(1))
        relay.recall(1)  # wanted: there is no way back but to hang up
        begin(relay, 2)
        heard(relay, some(1))
        relay.seal(2)
        begin(relay, 3)
        relay.recall(3)  # behind a message whose answer is still to come
        news = heard(relay, some(1))
        assert [one.key for one in news] == [2]
        assert isinstance(news[0], Answered)
        begin(relay, 4)
        relay.recall(4)
        relay.listen(0.2)
        assert send_all(relay, [5]).keys() == {5}
    sink.settle()
    assert set(sink.taken) == {f"<{key}@firstlight.example>" for key in (2, 5)}


def test_connections_are_opened_as_there_is_work_for_them() -> None:
    for number, most in ((1, 1), (10, 3), (200, 8)):
        with CountingSink() as sink, Relay(sink.url, helo="us.example", connections=8) as relay:
            ended = send_all(relay, list(range(number)))
            assert len(ended) == number
        assert sink.most_at_once <= most
        assert set(sink.taken.values()) == {1}


def test_a_connection_that_cannot_be_had_does_without_and_none_at_all_is_trouble() -> None:
    def refuse(verb: str, number: int) -> str | None:
        return "421 4.7.0 too many connections" if verb == "connect" and number > 2 else None

    with CountingSink(answer=refuse) as sink, Relay(sink.url, helo="us.example", connections=6) as relay:
        ended = send_all(relay, list(range(60)))
        assert len(ended) == 60
    assert set(sink.taken.values()) == {1}
    with (
        CountingSink(answer=lambda verb, _n: "554 5.7.1 go away" if verb == "connect" else None) as sink,
        Relay(sink.url, helo="us.example", connections=6) as relay,
    ):
        assert send_all(relay, [1, 2, 3]) == {}
        assert "cannot be used" in relay.trouble


def test_a_relay_that_says_421_again_and_again_is_left_alone() -> None:  # checklist 40
    with (
        CountingSink(answer=lambda verb, _n: "421 4.3.2 shutting down" if verb == "MAIL" else None) as sink,
        Relay(sink.url, helo="us.example", connections=1) as relay,
    ):
        ended = send_all(relay, list(range(20)))
        assert "keeps closing" in relay.trouble
    assert len(ended) < 5
    assert all(isinstance(one, Answered) and one.reply.code == 421 for one in ended.values())


def test_every_connection_leaves_after_a_hundred_messages() -> None:  # checklist 39
    with CountingSink() as sink, Relay(sink.url, helo="us.example", connections=1) as relay:
        assert len(send_all(relay, list(range(MESSAGES_PER_CONNECTION + 5)))) == MESSAGES_PER_CONNECTION + 5
        assert sink._asked["connect"] == 2
        assert sink._asked["QUIT"] == 1
    assert set(sink.taken.values()) == {1}


def test_a_line_that_breaks_before_the_dot_costs_one_message_one_attempt() -> None:
    with (
        CountingSink(answer=lambda verb, n: DROP if (verb, n) == ("DATA", 1) else None) as sink,
        Relay(sink.url, helo="us.example", connections=2) as relay,
    ):
        ended = send_all(relay, list(range(12)))
    failed = [one for one in ended.values() if isinstance(one, Failed)]
    assert len(failed) == 1
    assert isinstance(failed[0].error, RelayUnavailable)
    assert len(sink.taken) == 11
