"""Renders the chat template corpus with jinja2, set up as transformers' apply_chat_template sets it up.

Usage: python render.py [OUT.json]     (needs jinja2 >= 3.1)

Writes vlm-text/src/test/resources/template/corpus.json: a list of cases with their template (a file
beside the output, or the source itself), variables, and either the expected text or that jinja2 fails.
"""

import datetime
import json
import sys
from pathlib import Path

import jinja2
from jinja2.ext import Extension, loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

from conversations import CONVERSATIONS
from micro import MICRO

TEMPLATES = Path(__file__).resolve().parents[3] / "vlm-text/src/test/resources/template"
NOW = datetime.datetime(2024, 7, 6, 9, 5, 3)


class Generation(Extension):
    """The {% generation %} block, which passes its content through."""

    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return jinja2.nodes.CallBlock(self.call_method("_content"), [], [], body).set_lineno(line)

    def _content(self, caller):
        return caller()


def raise_exception(message):
    raise jinja2.exceptions.TemplateError(message)


def tojson(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def environment():
    env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols])
    env.filters["tojson"] = tojson
    env.globals["raise_exception"] = raise_exception
    env.globals["strftime_now"] = lambda format: NOW.strftime(format)
    return env


def rendered(source, variables):
    """What the case comes to: {"expected": text} or {"error": message}."""
    try:
        return {"expected": environment().from_string(source).render(**variables)}
    except Exception as e:  # whatever Python fails with, the engine must fail too
        return {"error": str(e)}


def cases():
    for template, names in CONVERSATIONS["plan"].items():
        source = (TEMPLATES / template).read_text(encoding="utf-8")
        for name in names:
            variables = CONVERSATIONS["cases"][name]
            yield {"name": f"{template} {name}", "file": template, "variables": variables, **rendered(source, variables)}
    for index, entry in enumerate(MICRO):
        source, variables = entry if isinstance(entry, tuple) else (entry, {})
        yield {"name": f"{index} {source}", "source": source, "variables": variables, **rendered(source, variables)}


if __name__ == "__main__":
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else TEMPLATES / "corpus.json"
    corpus = list(cases())
    out.write_text(json.dumps(corpus, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    failures = sum("error" in case for case in corpus)
    print(f"{out.name}: {len(corpus)} cases, of which jinja2 fails on {failures}")
