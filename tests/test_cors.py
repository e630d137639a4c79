"""A page on another origin may ask and read: the preflight by rows, and a real Chromium with the official client's headers."""

from __future__ import annotations

import json
import re
from html import unescape

import httpx
import pytest

from mockserver.testing import MockServer
from tests.browser import dom, page

STAINLESS = "authorization,content-type,x-stainless-arch,x-stainless-lang,x-stainless-retry-count,openai-organization"


async def test_a_preflight_lists_what_was_asked_for_and_needs_no_key() -> None:
    async with MockServer() as server, httpx.AsyncClient() as client:
        asked = {"Origin": "http://app.test", "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": STAINLESS}
        answer = await client.options(f"{server.base_url}/chat/completions", headers=asked)
        assert answer.status_code == 204
        assert answer.headers["access-control-allow-origin"] == "http://app.test"
        assert answer.headers["access-control-allow-headers"] == STAINLESS
        assert "POST" in answer.headers["access-control-allow-methods"]
        assert "access-control-allow-private-network" not in answer.headers
        local = await client.options(f"{server.base_url}/models", headers={**asked, "Access-Control-Request-Private-Network": "true"})
        assert local.headers["access-control-allow-private-network"] == "true"
        assert server.journal()["requests"] == []


@pytest.mark.parametrize("key", ["sk-any", None])
async def test_answers_and_refusals_can_be_read_across_origins(key: str | None) -> None:
    headers = {"Origin": "http://app.test", **({"Authorization": f"Bearer {key}"} if key else {})}
    async with MockServer() as server, httpx.AsyncClient(headers=headers) as client:
        answer = await client.post(f"{server.base_url}/chat/completions", json={"model": "m", "messages": [{"role": "user"}]})
        assert answer.status_code == (200 if key else 401)
        assert answer.headers["access-control-allow-origin"] == "http://app.test"
        assert answer.headers["access-control-allow-credentials"] == "true"
        assert "retry-after" in answer.headers["access-control-expose-headers"]


@pytest.mark.parametrize("flavour", ["openai", "mistral", "xai"])
async def test_pages_are_told_once_whether_they_may_read(flavour: str) -> None:
    """Several values are as good as none (Fetch standard, CORS check)."""
    async with MockServer(flavour=flavour) as server, httpx.AsyncClient(headers={"Origin": "http://app.test"}) as client:
        headers = {"Authorization": "Bearer sk-any"}
        answer = await client.post(
            f"{server.base_url}/chat/completions", headers=headers, json={"model": "m", "messages": [{"role": "user"}]}
        )
        assert len(answer.headers.get_list("access-control-allow-origin")) == 1


PAGE = """<!doctype html><title>waiting</title><pre id="seen"></pre><script>
const tell = (seen) => { document.getElementById('seen').textContent = JSON.stringify(seen); };
(async () => {
  const answer = await fetch('URL/chat/completions', {
    method: 'POST',
    credentials: 'include',
    headers: {
      'Content-Type': 'application/json', 'Authorization': 'Bearer sk-any', 'X-Stainless-Lang': 'js',
      'X-Stainless-Retry-Count': '0', 'OpenAI-Organization': 'org-test',
    },
    body: JSON.stringify({ model: 'gpt-4.1', stream: true, messages: [{ role: 'user', content: 'hi' }] }),
  });
  let text = '';
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) text += part.value;
  tell({ status: answer.status, id: answer.headers.get('x-request-id'), done: text.trimEnd().endsWith('data: [DONE]') });
})().catch((error) => tell({ error: String(error) }));
</script>"""


@pytest.mark.timeout(120)
def test_a_page_on_another_origin_streams_in_a_real_browser() -> None:
    with MockServer() as server, page(PAGE.replace("URL", server.base_url)) as url:
        shown = re.search(r'<pre id="seen">(.*?)</pre>', dom(url))
        assert shown is not None
        seen = json.loads(unescape(shown[1]))
    assert seen.get("error") is None, seen
    assert seen["status"] == 200
    assert seen["done"]
    assert seen["id"].startswith("req_")
