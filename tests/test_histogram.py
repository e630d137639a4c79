"""Durations in buckets: how exact, how bounded, and that histograms add up."""

from __future__ import annotations

import json
from random import Random

import pytest

from mockserver.histogram import Histogram, bucket, least, read


def of(*durations: float) -> Histogram:
    made = Histogram()
    made.extend(durations)
    return made


def test_a_bucket_begins_where_the_one_before_it_ends() -> None:
    random = Random(1)
    for micros in (*range(5000), *(random.randrange(2**40) for _ in range(5000))):
        number = bucket(micros)
        assert least(number) <= micros < least(number + 1)
        assert bucket(least(number)) == number
        assert least(number + 1) - least(number) <= max(1, micros / 32)


@pytest.mark.parametrize("share", [0.01, 0.5, 0.9, 0.99, 0.999, 1.0])
def test_a_quantile_is_near_the_true_one(share: float) -> None:
    random = Random(2)
    durations = sorted(random.expovariate(20) for _ in range(20_000))
    true = durations[max(0, -int(-share * len(durations) // 1) - 1)]
    assert of(*durations).quantile(share) == pytest.approx(true, rel=1 / 64)


@pytest.mark.parametrize(
    ("durations", "share", "expected"),
    [((), 0.5, 0.0), ((0.0,), 0.99, 0.0), ((0.25,), 0.5, 0.25), ((0.25,), 0.0, 0.25), ((0.1, 9.0), 1.0, 9.0)],
)
def test_quantiles_of_few(durations: tuple[float, ...], share: float, expected: float) -> None:
    assert of(*durations).quantile(share) == pytest.approx(expected, rel=1 / 64)


def test_no_quantile_exceeds_the_longest() -> None:
    assert of(*[1.0] * 1000).quantile(0.5) <= 1.0


def test_the_sum_is_the_histogram_of_both() -> None:
    random = Random(3)
    left, right = ([random.lognormvariate(-5, 2) for _ in range(500)] for _ in range(2))
    both = of(*left) + of(*right)
    assert (both.buckets, both.longest) == (of(*left, *right).buckets, max(left + right))
    assert both.mean == pytest.approx(sum(left + right) / 1000)


def test_one_by_one_is_as_many_at_once() -> None:
    durations = (0.0, 0.000_001, 0.000_063, 0.000_064, 0.02, 3600.0)
    single = Histogram()
    for each in durations:
        single.add(each)
    assert single == of(*durations)


def test_memory_is_bounded_whatever_lasts_how_long() -> None:
    random = Random(4)
    made = of(*(10 ** random.uniform(-7, 6) for _ in range(50_000)))
    assert made.count == 50_000
    assert len(made.buckets) < 1200


def test_how_many_were_longer() -> None:
    assert of(0.001, 0.02, 0.03, 0.5).above(0.01) == 3


def test_json_gives_the_same_back() -> None:
    made = of(0.000_012, 0.05, 0.05, 7.0)
    told = made.to_json()
    again = read(json.loads(json.dumps(told)))
    assert again.buckets == made.buckets
    assert again.to_json() == told
    assert (told["count"], told["max"]) == (4, 7.0)
