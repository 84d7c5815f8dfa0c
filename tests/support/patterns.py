"""Every regular expression of the code, and texts that a pattern of more than linear time is slow on."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from django.apps import apps
from django.core.validators import RegexValidator

PACKAGES = ("portal", "tokens", "clients", "audit", "foundation")
# Code that no text of a stranger reaches: migrations and commands; and the modules that start a process.
LEFT_OUT = re.compile(r"\.(?:migrations|management|wsgi|asgi)\b")
CHARACTERS = (" ", "\t", "\n", "a", "A", "0", ".", "-", "_", "=", ":", "/", '"', "'", "\\", "%", "+", "<", "é", "\0")


def modules() -> Iterator[ModuleType]:
    for package in PACKAGES:
        root = importlib.import_module(package)
        for found in pkgutil.walk_packages(root.__path__, f"{package}."):
            if not LEFT_OUT.search(found.name):
                yield importlib.import_module(found.name)


def patterns() -> dict[str, re.Pattern[Any]]:
    """By module and pattern: those in a module's names, those written where they are used, those of models' fields."""
    found: dict[str, re.Pattern[Any]] = {}
    for module in modules():
        for pattern in (*_held(vars(module)), *_written_in_place(module)):
            found[f"{module.__name__}: {pattern.pattern!r}"[:100]] = pattern
    for model in apps.get_models():
        for field in model._meta.fields if model.__module__.startswith(PACKAGES) else ():
            for validator in field.validators:
                if isinstance(validator, RegexValidator):
                    found[str(field)] = re.compile(validator.regex.pattern)
    return found


def _held(value: object, depth: int = 3) -> Iterator[re.Pattern[Any]]:
    if isinstance(value, re.Pattern):
        yield value
    elif depth and isinstance(value, dict):
        for item in list(value.values()):
            yield from _held(item, depth - 1)
    elif depth and isinstance(value, tuple | list | set | frozenset):
        for item in value:
            yield from _held(item, depth - 1)


def _written_in_place(module: ModuleType) -> Iterator[re.Pattern[Any]]:
    """The first argument of each re.sub(...), re.match(...) and so on, where it is a literal."""
    if module.__file__ is None:
        return
    with open(module.__file__) as file:
        tree = ast.parse(file.read())
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("re.") and node.args:
            first = node.args[0]
            if isinstance(first, ast.Constant) and isinstance(first.value, str | bytes):
                yield re.compile(first.value)


def bait(pattern: re.Pattern[Any], size: int) -> Iterator[Any]:
    """Texts of `size` that begin a match again and again, or begin one and never end it."""
    source = pattern.pattern if isinstance(pattern.pattern, str) else pattern.pattern.decode("latin-1")
    without_classes = re.sub(r"\[[^\]]*\]|\(\?[^)]{1,2}|\\.", " ", source)
    literals = sorted(set(re.findall(r"[A-Za-z0-9_<>=/:@-]+", without_classes)))[:6]
    pieces = [*CHARACTERS, *literals]
    texts = [piece * (size // len(piece)) for piece in pieces]
    for literal in literals:
        for other in (*CHARACTERS, *literals):
            pair = literal + other
            texts += [pair * (size // len(pair)), literal + other * (size // len(other)) + "\x01"]
    yield from (text if isinstance(pattern.pattern, str) else text.encode("latin-1", "replace") for text in texts)


def use(pattern: re.Pattern[Any], text: Any) -> None:
    """As the code may: from every place of the text, and as a whole."""
    pattern.sub(text[:0], text)
    pattern.fullmatch(text)
