"""Configuration of the interactions stage; the defaults and what they mean stand in interactions.yaml."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from lyo_pipelines.json_types import is_dict, is_list

FeedbackField = Literal["rating", "thumbs", "complaint_category", "complaint_text", "relevance_score", "retries"]


RatingScale = tuple[float, float]
"""The worst and the best value of a rating."""


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{name!r} is no time zone: write one such as Asia/Kolkata") from None
    return name


TimeZone = Annotated[str, AfterValidator(_known_zone)]
"""The IANA name of a time zone."""


class ScoreConfig(BaseModel):
    """What a named score sets. A word alone is the field.

    scale: its worst and best value (of a rating 1 and 5, of a thumb 0 and 1 where nothing is said). values: what a label means.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    field: FeedbackField | Literal["answer", "reference_answer"]
    scale: RatingScale | None = None
    values: dict[str, float | str] | None = None

    @model_validator(mode="before")
    @classmethod
    def _word_alone(cls, values: Any) -> Any:
        return {"field": values} if isinstance(values, str) else values

    @model_validator(mode="after")
    def _scale_fits(self) -> ScoreConfig:
        if self.scale is not None and self.field not in ("rating", "thumbs"):
            raise ValueError(f"a scale is for a rating or a thumb, and not for {self.field}")
        if self.scale is not None and self.scale[0] == self.scale[1]:
            raise ValueError("the worst and the best value of a scale differ")
        return self


class LanguageFromText(BaseModel):
    """From what on a text tells its language, where the row says none."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    language_minimum_letters: int = Field(ge=1)
    script_minimum_share: float = Field(ge=0, le=1)
    romanised_minimum_share: float = Field(ge=0, le=1)
    detector_minimum_score: float = Field(ge=0, le=1)


class LangfuseConfig(BaseModel):
    """How a Langfuse export is understood."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    task: str | None
    language: str | None
    milliseconds_before: date
    metadata_fields: dict[str, tuple[str, ...]]
    scores: dict[str, ScoreConfig]


class ChatConfig(BaseModel):
    """What a conversation (OpenAI `messages`, ShareGPT) gets where its row says nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    task: str | None
    language: str | None
    time_from_file: bool


class SingleMessagesConfig(ChatConfig):
    """How rows that are single messages are put together. most_messages: of one conversation; history_turns: questions with their
    answers that stand before a question."""

    most_messages: int = Field(ge=2)
    history_turns: int = Field(ge=0)


class SpanConfig(BaseModel):
    """How spans of OpenTelemetry and OpenInference, and annotations of them, are understood."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    task: str | None
    language: str | None
    metadata_fields: dict[str, tuple[str, ...]]
    scores: dict[str, ScoreConfig]


class ArgillaConfig(ChatConfig):
    """How Argilla records and Label Studio tasks are understood. fields: what a field is for -> its names, the first found wins."""

    fields: dict[Literal["question", "answer", "context", "system_prompt"], tuple[str, ...]]
    questions: dict[str, ScoreConfig]


class ReadyMappingsConfig(BaseModel):
    """What a row read by a mapping of the package gets where it does not say."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    task: str | None
    language: str | None


class TableDefaults(BaseModel):
    """What an entry of `tables` holds where it says nothing else."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: str
    batch_rows: int = Field(ge=1)
    overlap_seconds: float = Field(ge=0)
    overlap_numbers: int = Field(ge=0)


class TableConfig(TableDefaults):
    """A PostgreSQL table or query that is read as far as it is new. One of `table` and `query` is None. See interactions.yaml."""

    name: str = Field(pattern=r"^[a-z0-9_]{1,60}$")
    dsn_env: str = Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    table: str | None = Field(default=None, pattern=r"^[^;\"']+$")
    query: str | None = None
    watermark: str
    key: str
    mapping: str | None = None
    rating_scale: RatingScale | None = None
    time_zone: TimeZone | None = None

    @model_validator(mode="after")
    def _one_source(self) -> TableConfig:
        if (self.table is None) == (self.query is None):
            raise ValueError("give either table (a name, or schema.name) or query (one select)")
        if self.mapping is not None and self.format not in ("auto", "flat"):
            raise ValueError(f"a mapping is for flat rows; format {self.format} has none: leave one of them out")
        return self


class ImageLimits(BaseModel):
    """What a picture in a row may be, and the form in which it is kept."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    most_per_row: int = Field(ge=1, le=64)
    max_bytes: int = Field(ge=1024)
    max_pixels: int = Field(ge=1024)
    stored_side: int = Field(ge=64, le=16384)
    jpeg_quality: int = Field(ge=50, le=100)


class InteractionsConfig(BaseModel):
    """See interactions.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    earliest: date
    clock_skew_hours: float = Field(ge=0)
    reach_days: int = Field(ge=0)
    max_row_bytes: int = Field(ge=1024)
    max_rejected_characters: int = Field(ge=0)
    block_bytes: int = Field(ge=1024)
    buffer_bytes: int = Field(ge=1024)
    max_open_days: int = Field(ge=1)
    workers: int = Field(ge=1)
    parallel_from_bytes: int = Field(ge=0)
    identifier_keys: tuple[str, ...]
    metadata_keys: tuple[str, ...]
    name_keys: tuple[str, ...]
    rating_scales: dict[str, RatingScale]
    time_zones: dict[str, TimeZone]
    full_exports: tuple[str, ...]
    language_from_text: LanguageFromText
    images: ImageLimits
    langfuse: LangfuseConfig
    openai_messages: ChatConfig
    sharegpt: ChatConfig
    single_messages: SingleMessagesConfig
    argilla: ArgillaConfig
    label_studio: ArgillaConfig
    spans: SpanConfig
    ready_mappings: ReadyMappingsConfig
    table_defaults: TableDefaults = Field(
        exclude=True
    )  # they fill the entries when the file is read, and say nothing afterwards
    tables: tuple[TableConfig, ...]
    keep_days: int | None = None
    """Those of retention.yaml, set when the whole configuration is read: rows that would be taken away again are too early."""

    @model_validator(mode="before")
    @classmethod
    def _tables_over_their_defaults(cls, values: Any) -> Any:
        """Lay each table over the defaults; whatever does not fit is left for the fields to refuse."""
        if not is_dict(values):
            return values
        common, tables = values.get("table_defaults"), values.get("tables")
        if not is_dict(common) or not is_list(tables):
            return values
        return {**values, "tables": [{**common, **entry} if is_dict(entry) else entry for entry in tables]}

    @field_validator("tables")
    @classmethod
    def _own_names(cls, tables: tuple[TableConfig, ...]) -> tuple[TableConfig, ...]:
        names = [table.name for table in tables]
        if len(set(names)) != len(names):
            raise ValueError("two tables have the same name: it is what their state is kept under")
        return tables
