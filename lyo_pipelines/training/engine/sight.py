"""Rows that show pictures as tokens and tensors, by the base model's own processor: its template, its places, its pixels.

The pixels are read when a batch is made, so that a dataset of any size needs the memory of a batch. A row is never cut: half a picture
is none, and which words belong to it nobody can tell; one that is too long is left out and counted.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import transformers
from PIL import Image

from lyo_pipelines.contracts.errors import DatasetError
from lyo_pipelines.images.store import FOLDER, is_what_it_was
from lyo_pipelines.tasks.messages import IMAGE_MARK
from lyo_pipelines.training.base_models import MissingBaseModelError, missing_message
from lyo_pipelines.training.dtypes import training_dtype
from lyo_pipelines.training.engine.chat import ConversationError, Tokens, UnseenImageError, is_plain_text, tokenize
from lyo_pipelines.training.engine.model_building import DTYPES
from lyo_pipelines.training.engine.rendering import Message

if TYPE_CHECKING:
    from lyo_pipelines.training.engine.session import Session


class Sight:
    """A base model's processor and the folder of the pictures. dtype: of the pixels, as the model's weights are."""

    def __init__(self, processor: Any, folder: Path, dtype: torch.dtype) -> None:
        self._processor, self._folder, self._dtype = processor, folder, dtype
        tokenizer = processor.tokenizer
        self._place = str(processor.image_token)
        self._image_id = tokenizer.convert_tokens_to_ids(self._place)

    def tokens(self, messages: Sequence[Message], files: Sequence[str], limit: int) -> Tokens | None:
        """One example's tokens, with the places for its pictures; None where they are more than `limit`.

        Raises UnseenImageError where any picture would not be among them, DatasetError where one is not there.
        """
        if is_plain_text(messages):
            return tokenize([messages], self._processor.tokenizer, limit)[0]
        shown = [_shown(message) for message in messages]
        if sum(shown) != len(files):
            raise UnseenImageError(f"a row names {len(files)} pictures, and its messages show {sum(shown)}")
        parts = [self._parts(message, count) for message, count in zip(messages, shown, strict=True)]
        asked = self._rendered(parts[:-1], asks=True)
        whole = self._rendered(parts, asks=False).rstrip()
        if parts[-1]["role"] != "assistant" or not whole.startswith(asked):
            raise ConversationError(
                "an example ends with the assistant's answer, which the template must write after the prompt"
            )
        images = [self._opened(file) for file in files]
        prompt, every = self._ids(asked, images), self._ids(whole, images)
        if every[: len(prompt)] != prompt:
            raise ConversationError("the first letters of an answer melt into the last token of its prompt")
        if files and prompt.count(self._image_id) < len(files):
            raise UnseenImageError(
                "the base model's template writes no place for a picture: its tokens would be without it"
            )
        return None if len(every) > limit else Tokens(prompt, every[len(prompt) :], "", tuple(files))

    def inputs(self, tokens: Sequence[Tokens]) -> dict[str, torch.Tensor]:
        """The pictures of a batch as the model takes them; nothing where its rows show none."""
        files = [one.files for one in tokens if one.files]
        if not files:
            return {}
        images = [[self._opened(file) for file in row] for row in files]
        found = self._processor.image_processor(images=images, return_tensors="pt")
        tensors = {name: value for name, value in found.items() if isinstance(value, torch.Tensor)}
        return {name: value.to(self._dtype) if value.is_floating_point() else value for name, value in tensors.items()}

    def _parts(self, message: Message, shown: int) -> dict[str, Any]:
        """A message as templates of models that see take it: a list of parts. What people wrote is no place for a picture."""
        text = message["content"][shown:].replace(self._place, " ").strip()
        words = [{"type": "text", "text": text}] if text or not shown else []
        return {"role": message["role"], "content": [*({"type": "image"} for _ in range(shown)), *words]}

    def _rendered(self, parts: list[dict[str, Any]], *, asks: bool) -> str:
        return self._processor.apply_chat_template(parts, tokenize=False, add_generation_prompt=asks)

    def _ids(self, text: str, images: list[Image.Image]) -> list[int]:
        given = {"images": [images]} if images else {}
        return list(self._processor(text=[text], add_special_tokens=False, **given)["input_ids"][0])

    def _opened(self, file: str) -> Image.Image:
        path = self._folder / file[:2] / file
        try:
            data = path.read_bytes()
        except OSError as error:
            raise DatasetError(
                f"the picture {path} cannot be read ({error}). `lyo verify` says what is gone."
            ) from error
        if not is_what_it_was(file, data):
            raise DatasetError(f"the picture {path} is not what it was. `lyo verify --deep` says which ones are not.")
        with Image.open(io.BytesIO(data)) as opened:
            return opened.convert("RGB")


def open_sight(session: Session) -> Sight | None:
    """What turns pictures into tokens, for a recipe that learns them. Raises MissingBaseModelError without a processor."""
    recipe = session.recipe
    if recipe.images != "learn":
        return None
    try:
        processor = transformers.AutoProcessor.from_pretrained(session.source)
    except (OSError, ValueError, ImportError) as error:
        why = str(error).strip().partition("\n")[0][:200] or type(error).__name__
        raise MissingBaseModelError(missing_message(recipe.base_model, f"its processor of pictures: {why}")) from error
    # lake/datasets/<segment>/<version>, and the pictures beside
    folder = session.dataset_dir.resolve().parents[2] / FOLDER
    return Sight(processor, folder, DTYPES[training_dtype(recipe, session.device)])


def _shown(message: Message) -> int:
    """How many pictures a message shows."""
    content = message["content"]
    return len(content) - len(content.lstrip(IMAGE_MARK)) if message["role"] == "user" else 0
