"""Chat templates."""

import json
from pathlib import Path

import pytest

import dllm
from dllm.chat import ChatTemplate, find_template

TURNS = "{% for m in messages %}[{{ m.role }}]{{ m.content }}{{ eos_token }}{% endfor %}[bot]"
USER = [{"role": "user", "content": "hi"}]


def test_renders_up_to_where_the_answer_begins() -> None:
    template = ChatTemplate(TURNS, {"eos_token": "</s>"})
    assert template.render(USER) == "[user]hi</s>[bot]"


def test_has_the_usual_helpers() -> None:
    template = ChatTemplate("{{ messages | tojson }}{{ strftime_now('%Y')|length }}", {})
    assert template.render(USER) == '[{"role": "user", "content": "hi"}]4'


def test_templates_may_refuse() -> None:
    with pytest.raises(ValueError, match="chat template: no system"):
        ChatTemplate("{{ raise_exception('no system') }}", {}).render(USER)


def test_templates_are_sandboxed() -> None:
    escape = "{{ ''.__class__.__mro__[1].__subclasses__() }}"
    with pytest.raises(ValueError, match=r"chat template: .*unsafe"):
        ChatTemplate(escape, {}).render(USER)


def test_refuses_broken_templates_and_messages() -> None:
    with pytest.raises(dllm.CheckpointError, match="chat template: "):
        ChatTemplate("{% if %}", {})
    with pytest.raises(ValueError, match=r"a message needs a role and a content, got \{'text': 'h"):
        ChatTemplate(TURNS, {}).render([{"text": "hi"}])


def test_finds_templates(tmp_path: Path) -> None:
    assert find_template(tmp_path) is None
    config = tmp_path / "tokenizer_config.json"
    config.write_text(json.dumps({"chat_template": TURNS, "eos_token": {"content": "<e>"}}))
    template = find_template(tmp_path)
    assert template is not None
    assert template.render(USER) == "[user]hi<e>[bot]"
    named = [{"name": "tools", "template": "no"}, {"name": "default", "template": "yes"}]
    config.write_text(json.dumps({"chat_template": named}))
    template = find_template(tmp_path)
    assert template is not None
    assert template.render(USER) == "yes"
    (tmp_path / "chat_template.jinja").write_text("own")
    template = find_template(tmp_path)
    assert template is not None
    assert template.render(USER) == "own"
