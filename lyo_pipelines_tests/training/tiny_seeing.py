"""A tiny random model that sees, and a dataset of pictures that only whoever sees them can answer."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from lyo_pipelines.images.normalise import normalise
from lyo_pipelines.images.store import write_image
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.tasks.messages import IMAGE_MARK
from lyo_pipelines_tests.images.pictures import LIMITS, encoded
from lyo_pipelines_tests.training.tiny import SPECIAL, WORDS

SEEN = ["<fake_token_around_image>", "<image>", "<global-img>", "<end_of_utterance>"]
TEMPLATE = (  # as SmolVLM's
    "<|im_start|>{% for message in messages %}{{message['role'] | capitalize}}{% if message['content'][0]['type'] == 'image' %}{{':'}}"
    "{% else %}{{': '}}{% endif %}{% for line in message['content'] %}{% if line['type'] == 'text' %}{{line['text']}}"
    "{% elif line['type'] == 'image' %}{{ '<image>' }}{% endif %}{% endfor %}<end_of_utterance>\n{% endfor %}"
    "{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}"
)
COLOURS = {"red": (255, 0, 0), "blue": (0, 0, 255)}


def make_seeing_model(folder: Path) -> Path:
    """Save a tiny random Idefics3 (the architecture of SmolVLM) with its processor; returns its folder."""
    import torch
    import transformers
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast
    from transformers.models.idefics3.image_processing_pil_idefics3 import Idefics3ImageProcessorPil
    from transformers.models.idefics3.processing_idefics3 import Idefics3Processor

    inner = Tokenizer(models.BPE(unk_token="<unk>"))
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    special = [*SPECIAL, *SEEN, *(f"<row_{r}_col_{c}>" for r in (1, 2) for c in (1, 2))]
    inner.train_from_iterator(
        [" ".join([*WORDS, *COLOURS])] * 3,
        trainers.BpeTrainer(
            vocab_size=360,
            special_tokens=special,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=inner, bos_token="<s>", eos_token="<end_of_utterance>", pad_token="<pad>", unk_token="<unk>",
        additional_special_tokens=[*SPECIAL[4:], *SEEN],
    )  # fmt: skip
    eyes = Idefics3ImageProcessorPil(
        size={"longest_edge": 32}, max_image_size={"longest_edge": 32}, do_image_splitting=False
    )
    processor = Idefics3Processor(eyes, tokenizer, image_seq_len=4, chat_template=TEMPLATE)
    torch.manual_seed(0)
    words = {
        "model_type": "llama", "vocab_size": len(tokenizer), "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 512, "pad_token_id": 0,
    }  # fmt: skip
    config = transformers.Idefics3Config(
        text_config=words,
        vision_config={
            "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "image_size": 32,
            "patch_size": 8,
        },
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"), scale_factor=2, pad_token_id=0,
        tie_word_embeddings=False,
    )  # fmt: skip
    model = transformers.AutoModelForImageTextToText.from_config(config)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() == 2:
                parameter.mul_(4)
        model.lm_head.weight.mul_(6)  # it is frozen: with small numbers no answer could become likely
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def make_seeing_dataset(lake: Lake, train: int = 40, validation: int = 10, *, words_alone: int = 4) -> Path:
    """A dataset version whose question is always the same: the colour of the picture is the answer. Some rows have no picture."""
    rng = random.Random(0)
    folder = Path(lake.dataset_dir("tutoring.en.math", "feed0001"))
    folder.mkdir(parents=True)
    for split, count in (("train", train), ("validation", validation)):
        rows = [_row(lake, f"{split}{number}", rng) for number in range(count)]
        rows += [{**_worded(), "example_id": f"{split}-w{number}"} for number in range(words_alone)]
        schema = pa.schema(
            [
                ("example_id", pa.string()),
                ("messages", pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))),
                ("images", pa.list_(pa.string())),
                ("weight", pa.float32()),
            ]
        )
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), folder / f"{split}.parquet")
    (folder / "manifest.json").write_text(json.dumps({"segment": "tutoring.en.math", "fingerprint": "feed0001"}))
    return folder


def _row(lake: Lake, name: str, rng: random.Random) -> dict[str, Any]:
    colour = rng.choice(sorted(COLOURS))
    size = (rng.randint(40, 64), rng.randint(40, 64))
    kept = normalise(encoded(Image.new("RGB", size, COLOURS[colour])), LIMITS)
    write_image(lake, kept)
    asked = {"role": "user", "content": f"{IMAGE_MARK}the number"}
    messages = [asked, {"role": "assistant", "content": colour}]
    return {"example_id": name, "messages": messages, "images": [kept.file], "weight": 1.0}


def _worded() -> dict[str, Any]:
    messages = [{"role": "user", "content": "add four"}, {"role": "assistant", "content": "answer"}]
    return {"messages": messages, "images": None, "weight": 1.0}
