"""hosted_model.json: a model at a provider, in the folder of the version that stands for it. It takes the place of weights."""

from __future__ import annotations

from typing import ClassVar

from lyo_pipelines.contracts.document import Document

HOSTED_FILE = "hosted_model.json"


class HostedModel(Document):
    """Where a model answers. base_url: with the API's /v1; model: the provider's name of it; job_id: of the job that made it, "" for
    a base model.
    """

    KIND: ClassVar[str] = "description of a hosted model"
    VERSION: ClassVar[int] = 1

    version: int = VERSION
    base_url: str
    model: str
    job_id: str = ""
