"""Figures of several rounds, and the lines that tell them."""

from __future__ import annotations

import statistics

import click

Row = dict[str, float]
"""One round: a figure of each server, by its name."""


def median(rows: list[Row], name: str) -> float:
    return statistics.median(row[name] for row in rows)


def ratio(rows: list[Row], one: str, other: str) -> str:
    """`4.20 × other (4.02 to 4.31)`: the median of the rounds' ratios, and how far they lie apart."""
    ratios = sorted(row[one] / row[other] for row in rows)
    return f"{statistics.median(ratios):.2f} × {other} ({ratios[0]:.2f} to {ratios[-1]:.2f})"


def say(what: str, figures: str) -> None:
    click.echo(f"{what:<42} {figures}")
