"""Chat templates for base models that bring none, each in the form that its family was pretrained on."""

from __future__ import annotations

DIALOGPT = (
    "{% for message in messages %}{% if message['role'] == 'system' %}{{ raise_exception('no system turn') }}{% endif %}"
    "{{ message['content'] }}{{ eos_token }}{% endfor %}"
)
"""Turns separated by the end mark and nothing else (Zhang et al. 2019, https://arxiv.org/abs/1911.00536); no roles."""

T5 = (
    "{% set asked = messages | selectattr('role', 'equalto', 'user') | list | length %}"
    "{% for message in messages %}"
    "{% if message['role'] == 'assistant' and loop.last %}{{ eos_token + message['content'] + eos_token }}"
    "{% else %}{% if not loop.first %}{{ '\\n' }}{% endif %}"
    "{% if asked > 1 and message['role'] != 'system' %}{{ message['role'] + ': ' }}{% endif %}{{ message['content'] }}{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}{{ eos_token }}{% endif %}"
)
"""A plain text prompt that ends with the end mark, as T5's encoder knows it; roles are named only where there is a history."""

PLAIN = (
    "{% for message in messages %}{{ message['role'] + ': ' + message['content'] }}"
    "{% if message['role'] == 'assistant' %}{{ eos_token }}{% endif %}{{ '\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ 'assistant:' }}{% endif %}"
)
"""For any other base model without a template."""

TEMPLATES = {"gpt2": DIALOGPT, "t5": T5, "mt5": T5, "umt5": T5}
"""By `config.model_type`."""
