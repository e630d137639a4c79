# /// script
# dependencies = ["litellm[proxy]==1.106.2"]
# [tool.streamproof]
# headers = {x-streamproof-upstream = "{base}"}
# jobs = 1 # an answer of ten thousand events keeps its one event loop busy for seconds, and whoever else is asked then waits
# ///
"""LiteLLM's proxy: python litellm.py UPSTREAM PORT. Every model goes to the upstream that a request's header names; nothing is tried again.

https://docs.litellm.ai/docs/proxy/configs and https://docs.litellm.ai/docs/proxy/call_hooks
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

CONFIG = """\
model_list:
  - model_name: "*"
    litellm_params: {model: "openai/*", api_key: sk-gateway, max_retries: 0}
router_settings: {num_retries: 0, disable_cooldowns: true}
litellm_settings: {num_retries: 0, callbacks: upstream_hook.hook}
general_settings: {dangerously_permit_weak_or_unset_master_key: true}
"""

COST_MAP = {"LITELLM_LOCAL_MODEL_COST_MAP": "True"}
"""Without it the table of prices is fetched at each start."""

folder = Path(sys.prefix) / "gateway"
folder.mkdir(exist_ok=True)
(folder / "config.yaml").write_text(CONFIG, encoding="utf-8")
shutil.copy(Path(__file__).with_name("_litellm_hook.py"), folder / "upstream_hook.py")
os.chdir(folder)
started = [sys.executable, "-c", "from litellm import run_server; run_server()"]
os.execve(sys.executable, [*started, "--config", "config.yaml", "--host", "127.0.0.1", "--port", sys.argv[2]], {**os.environ, **COST_MAP})
