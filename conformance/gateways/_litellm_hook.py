"""Sends a request to the upstream that its header names."""

from __future__ import annotations

from typing import Any

from litellm.integrations.custom_logger import CustomLogger


class Upstream(CustomLogger):  # type: ignore[misc]
    async def async_pre_call_hook(self, user_api_key_dict: Any, cache: Any, data: dict[str, Any], call_type: str) -> dict[str, Any]:
        return {**data, "api_base": data["proxy_server_request"]["headers"]["x-streamproof-upstream"]}


hook = Upstream()
