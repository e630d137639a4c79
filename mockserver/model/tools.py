"""When the model calls a tool, which one, and with what arguments."""

from __future__ import annotations

import json
import re
import string
from collections.abc import Iterable, Mapping, Sequence
from random import Random
from typing import Any

from mockserver.answers import Request, ToolCall
from mockserver.model import pattern
from mockserver.model.believable import words_of
from mockserver.model.conversation import is_tool_result, last_user_text
from mockserver.model.language import language_of
from mockserver.model.text import sentence
from mockserver.model.value import BadSchema, value
from mockserver.tokens import cut

_ID = string.ascii_letters + string.digits

Tool = Mapping[str, Any]
"""What stands under `function` or `custom` in a tool's definition, or a whole member of the deprecated `functions`."""


def called(request: Request, random: Random) -> Sequence[Tool]:
    """The tools one choice calls, in the order in which the last user message names them; none after a tool result, so that
    an agent's loop ends even where `tool_choice` demands a call.

    `auto` calls the function tools that are named (custom tools answer with text); `required` and a named choice always call.
    Several are called only where `parallel_tool_calls` is not false.
    """
    if not request.tools or is_tool_result(request):
        return ()
    offered, forced = _offered(request)
    named = _named(offered, last_user_text(request))
    if not named and forced and offered:
        named = [random.choice(offered)]
    tools = [_definition(tool) for tool in named if forced or tool.get("type") != "custom"]
    return tools if request.body.get("parallel_tool_calls") is not False else tools[:1]


def called_function(request: Request) -> Tool | None:
    """The same for the deprecated `functions` and `function_call`: at most one."""
    functions = request.body.get("functions") or ()
    choice = request.body.get("function_call")
    if not functions or choice == "none" or is_tool_result(request):
        return None
    if isinstance(choice, Mapping):
        return next((function for function in functions if function.get("name") == choice.get("name")), None)
    return next(iter(_named(functions, last_user_text(request))), None)


def call(tool: Tool, request: Request, random: Random) -> ToolCall:
    """A call of one tool, with arguments its schema accepts; a custom tool gets its input as plain text."""
    asked = last_user_text(request)
    language = language_of(asked)
    if "parameters" not in tool and _is_custom(tool, request):
        return ToolCall(call_id(random), str(tool["name"]), cut(_input(tool, random, language)))
    try:
        arguments = value(_parameters(tool), random, language=language, about=asked)
    except BadSchema as error:
        places = [place for place, offered in enumerate(request.tools) if _definition(offered) is tool]
        param = f"tools[{places[0]}].function.parameters" if places else "functions"
        message = f"Invalid schema for function '{tool['name']}': {error}."
        raise BadSchema(message, param=param, code="invalid_function_parameters") from error
    return ToolCall(call_id(random), str(tool["name"]), cut(written(arguments)))


def call_id(random: Random) -> str:
    """`call_` and 24 letters and digits, as OpenAI writes it."""
    return "call_" + "".join(random.choices(_ID, k=24))


def written(value: Any) -> str:
    """JSON as the models write it: compact, in plain UTF-8."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _offered(request: Request) -> tuple[Sequence[Mapping[str, Any]], bool]:
    """The tools that may be called, and whether one must be."""
    tools, choice = request.tools, request.body.get("tool_choice")
    if choice == "none":
        return (), False
    if not isinstance(choice, Mapping):
        return tools, choice == "required"
    if choice.get("type") == "allowed_tools":
        allowed = choice.get("allowed_tools") or choice
        names = {_name(tool) for tool in allowed.get("tools") or ()}
        return [tool for tool in tools if _name(tool) in names], allowed.get("mode") == "required"
    return [tool for tool in tools if _name(tool) == _name(choice)], True


def _named(tools: Iterable[Mapping[str, Any]], text: str) -> list[Mapping[str, Any]]:
    """The tools whose names the text holds, as they are or in plain words (`get_weather`, "get weather"), in its order."""
    said = _plain(text)
    places = [(said.find(_plain(_name(tool))), place, tool) for place, tool in enumerate(tools) if _name(tool)]
    return [tool for found, _, tool in sorted(places, key=lambda row: row[:2]) if found >= 0]


def _plain(text: str) -> str:
    """The words alone, with a space around each."""
    return " " + " ".join(words_of(re.sub(r"[^\w-]", " ", text))) + " "


def _definition(tool: Mapping[str, Any]) -> Tool:
    definition: Tool = tool.get("function") or tool.get("custom") or tool
    return definition


def _name(tool: Mapping[str, Any]) -> str:
    return str(_definition(tool).get("name") or "")


def _parameters(tool: Tool) -> Any:
    """No parameters mean an empty object (OpenAPI: FunctionParameters)."""
    parameters = tool.get("parameters")
    return {"type": "object", **parameters} if isinstance(parameters, Mapping) and parameters else {"type": "object", "properties": {}}


def _is_custom(tool: Tool, request: Request) -> bool:
    return any(offered.get("custom") is tool for offered in request.tools)


def _input(tool: Tool, random: Random, language: str) -> str:
    """A sentence, or a text of the tool's grammar where that is a regular expression."""
    form = tool.get("format") or {}
    grammar = form.get("grammar") or form
    made = pattern.matching(str(grammar["definition"]), random) if grammar.get("syntax") == "regex" else None
    return made or sentence(random, language)
