"""Django's cache in Valkey: JSON, which cannot run code in the process that reads it."""

import json
import os
import pickle
from datetime import date

import pytest
import redis
from django.conf import settings
from django.core.cache import cache


@pytest.fixture
def valkey() -> redis.Redis:
    return redis.Redis.from_url(settings.CACHE_URL)


class Bomb:
    """A pickle of this makes a directory where it is read."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


@pytest.mark.parametrize("value", [0, 41, True, None, "ü", [1.5, "a"], {"days": {"2026-11-28": [3, 4]}}])
def test_a_plain_value_comes_back_as_it_was(value):
    cache.set("plain", value, 60)
    assert cache.get("plain", "nothing") == value
    assert type(cache.get("plain", "nothing")) is type(value)


def test_a_count_can_be_counted_up():
    cache.add("count", 0, 60)
    assert [cache.incr("count"), cache.incr("count")] == [1, 2]


def test_valkey_holds_json(valkey):
    cache.set("figures", {"clients": 3}, 60)
    (key,) = valkey.keys("*figures")
    assert json.loads(valkey.get(key)) == {"clients": 3}


def test_a_pickle_that_somebody_put_into_valkey_is_not_run(valkey, tmp_path):
    cache.set("dashboard", 1, 60)
    (key,) = valkey.keys("*dashboard")
    valkey.set(key, pickle.dumps(Bomb(str(tmp_path / "was-run"))))
    with pytest.raises(UnicodeDecodeError):
        cache.get("dashboard")
    assert not (tmp_path / "was-run").exists()


def test_a_value_that_is_no_json_is_refused(valkey):
    with pytest.raises(TypeError):
        cache.set("day", date(2026, 11, 28), 60)
