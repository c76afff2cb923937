"""The chat template as another program is given it, with what training's own rendering adds to it written into the template itself.

That is the date, the switch for thoughts, a system turn folded into the first question, and what stands before an answer.
"""

from __future__ import annotations

import json
from typing import Any

from lyo_pipelines.training.engine.rendering import TODAY, WITHOUT_THOUGHTS, accepts_system, frame

_FOLDED = (
    "{%- if messages and messages[0]['role'] == 'system' -%}"
    "{%- if messages[1:] and messages[1]['role'] == 'user' -%}"
    "{%- set messages = [{'role': 'user', 'content': messages[0]['content'] + '\\n\\n' + messages[1]['content']}] + messages[2:] -%}"
    "{%- else -%}"
    "{%- set messages = [{'role': 'user', 'content': messages[0]['content']}] + messages[1:] -%}"
    "{%- endif -%}{%- endif -%}"
)


def self_contained_template(tokenizer: Any) -> str:
    """A Jinja template that writes by itself what training's `prompt_text` writes."""
    template = str(tokenizer.get_chat_template())
    before = TODAY if "strftime_now" in template else ""
    before += "".join(f"{{%- set {name} = false -%}}" for name in WITHOUT_THOUGHTS if name in template)
    before += "" if accepts_system(tokenizer) else _FOLDED
    opening = frame(tokenizer).opening
    after = f"{{% if add_generation_prompt %}}{{{{ {json.dumps(opening)} }}}}{{% endif %}}" if opening else ""
    return before + template + after
