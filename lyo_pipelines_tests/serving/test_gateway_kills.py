"""A gateway that is killed while it answers, again and again: its clients' answers are rows, once, and so are those that were cut."""

from __future__ import annotations

import json
import random
import signal
import threading
import time
from dataclasses import dataclass, field

import httpx

from lyo_pipelines.serving.journal.records import CUT_OFF
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines_tests.serving.live_gateway import inbox_rows, process


@dataclass
class Heard:
    """What clients were told: whole answers, and what of others, by interaction."""

    whole: dict[str, str] = field(default_factory=dict)
    cut: dict[str, str] = field(default_factory=dict)

    def ask(self, url: str, question: str, *, stream: bool) -> None:
        body = {"model": "tiny", "stream": stream, "messages": [{"role": "user", "content": question}], "user": "u"}
        with httpx.stream("POST", f"{url}/v1/chat/completions", json=body, timeout=30) as answer:
            if answer.status_code != 200:
                return
            name, said = answer.headers["x-lyo-interaction-id"], []
            self.cut[name] = ""
            if not stream:
                self.whole[name] = json.loads(answer.read())["choices"][0]["message"]["content"]
                return
            for line in answer.iter_lines():
                data = line.removeprefix("data: ")
                if data == "[DONE]":
                    self.whole[name] = "".join(said)
                elif data:
                    said.append(json.loads(data)["choices"][0]["delta"].get("content", ""))
                    self.cut[name] = "".join(said)

    def go_on(self, url: str, seed: int, stopped: threading.Event) -> None:
        chance = random.Random(seed)
        while not stopped.is_set():
            question = f"{chance.choice(['slow', 'quick'])} {chance.random()} " + "word " * chance.randint(5, 40)
            try:
                self.ask(url, question.strip(), stream=chance.random() < 0.6)
            except httpx.HTTPError:
                time.sleep(0.02)


def test_killed_while_it_answers_it_loses_nothing_that_was_told_and_writes_nothing_twice(tmp_path):
    lake, heard = Lake(str(tmp_path)), Heard()
    for life in range(3):
        with process(tmp_path) as (url, gateway):
            stopped = threading.Event()
            clients = [threading.Thread(target=heard.go_on, args=(url, life * 10 + n, stopped)) for n in range(4)]
            for client in clients:
                client.start()
            before = len(heard.whole)
            while len(heard.whole) < before + 25 and gateway.poll() is None:
                time.sleep(0.01)
            while (
                not set(heard.cut) - set(heard.whole) and gateway.poll() is None
            ):  # until some answer is being written
                time.sleep(0.001)
            gateway.send_signal(signal.SIGKILL if life < 2 else signal.SIGTERM)
            gateway.wait(timeout=60)
            stopped.set()
            for client in clients:
                client.join()
    rows = inbox_rows(lake)
    found = {row["interaction_id"]: row for row in rows}
    assert len(found) == len(rows), "nothing twice"
    assert set(heard.cut) <= set(found), "whoever was told a name finds it"
    for name, text in heard.whole.items():
        assert (found[name]["answer"], found[name].get("error")) == (text, None)
    broken = [row for row in rows if row.get("error")]
    assert broken, "the kills came while answers were written"
    assert {row["error"] for row in broken} == {CUT_OFF}
    for name, text in heard.cut.items():
        told = found[name].get("answer") or ""
        assert told.startswith(text) or text.startswith(told), (
            "what was logged is what was told, but for the last moment"
        )
    assert not list((tmp_path / "gateway" / "journal").glob("*.jsonl"))
