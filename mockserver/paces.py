"""Named paces: what was measured of real models."""

from __future__ import annotations

from mockserver.turns import Pace

PRESETS: dict[str, Pace] = {
    "instant": Pace(),
    "gpt-4.1": Pace(ttft=0.127, tokens_per_second=42),
    "claude-sonnet-4.5": Pace(ttft=0.156, tokens_per_second=38),
    "gemini-2.5-flash": Pace(ttft=0.089, tokens_per_second=67),
    "deepseek-v3.2": Pace(ttft=0.094, tokens_per_second=71),
}
"""Time to first token and tokens per second as a gateway's author measured them with 100-token answers, 2025/26."""
