"""A provider by the specification of the OpenAI fine-tuning API, in the process: calls may die before or after they work."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field

import httpx

STATES = ("validating_files", "queued", "running", "paused", "running", "succeeded")


class KilledError(BaseException):
    """Our process died at a call."""


@dataclass
class FakeProvider:
    """Accounts for every file and job. kill_at: the how manyth call our process dies at, `after` it has worked or before.

    lost: the answer to every creation is lost on its way, though it worked. keeps_names: suffix and metadata come back in the list.
    """

    kill_at: int | None = None
    after: bool = False
    lost: bool = False
    lost_status: int | None = None
    refuses: tuple[int, str] | None = None
    keeps_names: bool = True
    tokens: int = 900
    fails: bool = False
    calls: list[str] = field(default_factory=list)
    files: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    jobs: dict[str, dict] = field(default_factory=dict)
    paces: dict[str, int] = field(default_factory=dict)

    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self.handle)

    def handle(self, request: httpx.Request) -> httpx.Response:
        self.calls.append(f"{request.method} {request.url.path}")
        dies = self.kill_at == len(self.calls)
        if dies and not self.after:
            raise KilledError
        answer = self._answer(request)
        if dies:
            raise KilledError
        return answer

    def _answer(self, request: httpx.Request) -> httpx.Response:  # noqa: PLR0911 - one for each call of the API
        path = request.url.path.removeprefix("/v1/")
        if request.headers.get("authorization") != "Bearer key":
            return httpx.Response(401, json={"error": {"message": "wrong key"}})
        if self.refuses and path.startswith("fine_tuning"):
            return httpx.Response(self.refuses[0], json={"error": {"message": self.refuses[1]}})
        if path == "files":
            return self._files(request)
        if path == "fine_tuning/jobs":
            return self._create(request) if request.method == "POST" else self._list(request)
        found = re.fullmatch(r"fine_tuning/jobs/([^/]+)(?:/(\w+))?", path)
        assert found, path
        job = self.jobs[found[1]]
        if found[2] == "cancel":
            job["status"] = "cancelled"
            return httpx.Response(200, json=job)
        if found[2] == "events":
            return self._page([
                {"id": "ev-2", "type": "metrics", "message": "Step 2", "data": {"step": 2, "train_loss": 0.5}},
                {"id": "ev-1", "type": "metrics", "message": "Step 1", "data": {"step": 1, "train_loss": 1.5}},
            ])  # fmt: skip
        if found[2] == "checkpoints":
            return self._page([{"id": "ftckpt-1", "step_number": 2, "metrics": {"valid_loss": 0.4}}])
        return httpx.Response(200, json=self._moved_on(job))

    def _files(self, request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return self._page([
                {"id": key, "filename": name, "bytes": len(content), "purpose": "fine-tune"}
                for key, (name, content) in self.files.items()
            ])  # fmt: skip
        body = request.read()
        name = re.search(rb'filename="([^"]+)"', body)[1].decode()
        content = re.search(rb"application/jsonl\r\n\r\n(.*?)\r\n--", body, re.DOTALL)[1]
        key = f"file-{len(self.files) + 1}"
        self.files[key] = name, content
        return httpx.Response(200, json={"id": key, "filename": name, "bytes": len(content), "status": "processed"})

    def _create(self, request: httpx.Request) -> httpx.Response:
        told = json.loads(request.read())
        assert told["training_file"] in self.files
        key = f"ftjob-{len(self.jobs) + 1}"
        names = {"suffix": told["suffix"], "metadata": told["metadata"]} if self.keeps_names else {"metadata": None}
        self.jobs[key] = {
            "id": key, "object": "fine_tuning.job", "model": told["model"], "training_file": told["training_file"], **names,
            "status": STATES[0], "error": {}, "trained_tokens": None, "fine_tuned_model": None, "method": told["method"],
        }  # fmt: skip
        if self.lost:
            raise httpx.ReadTimeout("no answer")
        if self.lost_status:
            return httpx.Response(self.lost_status, text="bad gateway")
        return httpx.Response(200, json=self.jobs[key])

    def _list(self, request: httpx.Request) -> httpx.Response:
        """One job a page, as few providers would."""
        keys = list(self.jobs)[::-1]
        begin = keys.index(request.url.params["after"]) + 1 if "after" in request.url.params else 0
        page = [self.jobs[key] for key in keys[begin : begin + 1]]
        return httpx.Response(200, json={"object": "list", "data": page, "has_more": begin + 1 < len(keys)})

    def _moved_on(self, job: dict) -> dict:
        if job["status"] == "cancelled":
            return job
        pace = self.paces[job["id"]] = self.paces.get(job["id"], 0) + 1
        job["status"] = STATES[min(pace, len(STATES) - 1)]
        if job["status"] == "succeeded" and self.fails:
            job |= {"status": "failed", "error": {"code": "invalid", "message": "too short"}}
        elif job["status"] == "succeeded":
            job |= {"trained_tokens": self.tokens, "fine_tuned_model": "ft:small:ours"}
        return job

    @staticmethod
    def _page(rows: list[dict]) -> httpx.Response:
        return httpx.Response(200, json={"object": "list", "data": rows, "has_more": False})
