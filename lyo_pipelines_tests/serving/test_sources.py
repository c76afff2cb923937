"""Answers that rest on passages: told, given to the model, logged with the row; where nothing fits no model is asked."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from lyo_pipelines.commands.retrieval import logged_retrieval
from lyo_pipelines.config.loading import load_config
from lyo_pipelines.documents.build import build_set
from lyo_pipelines.interactions.fields.minimise import Minimiser
from lyo_pipelines.interactions.fields.scrub import Scrubber
from lyo_pipelines.interactions.pseudonyms import Pseudonyms
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines_tests.serving.live_gateway import SECRET, inbox_rows, running
from lyo_pipelines_tests.serving.stub_engine import StubEngine

CONFIG = load_config()
NOTES = {
    "en.md": "# Light\n\nPlants make their food from light, water and air. The green colour catches the light.\n",
    "hi.md": "# पौधे\n\nपौधे प्रकाश, पानी और हवा से अपना भोजन बनाते हैं। पत्तियों का हरा रंग प्रकाश को पकड़ता है।\n",
    "ta.md": "# தாவரம்\n\nதாவரங்கள் ஒளி, நீர், காற்று ஆகியவற்றிலிருந்து உணவைத் தயாரிக்கின்றன. இலைகளின் நிறம் பச்சை.\n",
}


class Listening(StubEngine):
    """Remembers what it was asked."""

    async def write(self, choice, request):
        self.heard = request
        async for piece in super().write(choice, request):
            yield piece


@pytest.fixture
def lake(tmp_path) -> Lake:
    lake = Lake(str(tmp_path))
    for name, text in NOTES.items():
        lake.write_text(text, lake.side("documents", "garden", name))
    build_set(lake, "garden", CONFIG.documents, CONFIG.curation, now=datetime(2026, 11, 1, tzinfo=UTC))
    return lake


def test_an_answer_tells_what_it_rests_on_and_its_row_does_too(lake):
    engine = Listening()
    with running(lake, engine=engine, changes={"sources": {"enabled": True}}) as gateway:

        def ask(question: str) -> dict:
            return gateway.client.post("/fine-tuning/query", data={"query": question}).json()

        told = [
            ask("How do plants make food from light?"),
            ask("पौधे भोजन कैसे बनाते हैं?"),
            ask("தாவரங்கள் உணவை எப்படித் தயாரிக்கின்றன?"),
        ]
        assert [one["sources"][0]["file"] for one in told] == list(NOTES)
        assert engine.heard.messages[0].role == "system" and "தாவரங்கள் ஒளி" in engine.heard.messages[0].content
        assert engine.heard.messages[-1].content.startswith("தாவரங்கள் உணவை"), "the question stays bare"
        asked = len(engine.ended)
        strange = ask("क्रिकेट का फाइनल मैच किसने जीता और कब?")
        assert (strange["refused"], strange["sources"], strange["answered_by"]) == (True, [], "nobody")
        assert strange["answer"].startswith("दस्तावेज़ों में") and len(engine.ended) == asked, "no model is asked"
    rows = {row["interaction_id"]: row for row in inbox_rows(lake)}
    row = rows[told[0]["interaction_id"]]
    assert row["question"] == "How do plants make food from light?"
    logged = json.loads(row["metadata"]["sources"])
    assert [f"{one['document'][2:]}#{one['chunk']}" for one in logged] == [one["id"] for one in told[0]["sources"]]
    assert (
        rows[strange["interaction_id"]]["finish_reason"] == "no_source"
        and "error" not in rows[strange["interaction_id"]]
    )
    assert not rows[strange["interaction_id"]].get("adapter_version"), "it says nothing of an adapter"
    pseudonyms = Pseudonyms(SECRET)
    kept = Minimiser(pseudonyms, Scrubber(pseudonyms, ()), ()).metadata(row["metadata"])
    assert kept == row["metadata"], "what landing keeps of metadata holds the passages"
    assert logged_retrieval(lake).answers == 0, "nothing has landed yet"


def test_without_the_setting_nothing_is_looked_up(lake):
    with running(lake) as gateway:
        told = gateway.client.post("/fine-tuning/query", data={"query": "what is not in any document"}).json()
    assert "sources" not in told and told["answered_by"] == "base"
