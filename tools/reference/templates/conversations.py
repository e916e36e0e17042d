"""Conversations, and which template is rendered with which of them."""

TOKENS = {"bos_token": "<s>", "eos_token": "</s>"}


def said(role, content, **more):
    return {"role": role, "content": content, **more}


HELLO = [said("user", "Hello, how are you?")]
TURNS = [
    said("system", "  You are a pirate. \n"),
    said("user", "Ahoy! \u4f60\u597d \U0001f3f4\u200d\u2620\ufe0f <|im_start|>"),
    said("assistant", "\n\nArr.\n"),
    said("user", "What's \"this\"?\n\ttab & <tag>"),
]
TWO_TURNS = [said("user", "One?"), said("assistant", "Two."), said("user", " Three? ")]
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The \"current\" weather; caf\u00e9 \u2603 <b> & 'c'",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string", "enum": ["Hanoi", "K\u00f6ln"]},
                "days": {"type": "integer", "default": 1, "minimum": 0.5, "big": 1e20, "ok": True, "none": None},
                "empty": {},
                "list": [],
            },
            "required": ["city"],
        },
    },
}
CALL = {"id": "abc123DEF", "type": "function", "function": {"name": "get_weather", "arguments": {"city": "K\u00f6ln", "unit": "C"}}}
TEXT_CALL = {"type": "function", "function": {"name": "get_weather", "arguments": "{\"city\": \"Hanoi\"}"}}
TOOL_TURNS = [
    said("user", "Weather in K\u00f6ln?"),
    said("assistant", "", tool_calls=[CALL]),
    said("tool", "{\"degrees\": 21.5}", name="get_weather", tool_call_id="abc123DEF"),
    said("assistant", "It is 21.5 degrees."),
    said("user", "And tomorrow?"),
]
TWO_CALLS = [
    said("system", "Be brief."),
    said("user", "Both?"),
    said("assistant", "Let me see.", tool_calls=[CALL, TEXT_CALL]),
    said("tool", "21"),
    said("tool", "30"),
]
REASONED = [
    said("user", "2+2?"),
    said("assistant", "<think>\nTwo and two.\n</think>\n\n4"),
    said("user", "Sure?"),
    said("assistant", "Yes.", reasoning_content="\nI checked.\n"),
]
REASONED_TOOLS = [
    said("user", "Weather?"),
    said("assistant", "<think>\nI need a tool.\n</think>\n\n", tool_calls=[CALL]),
    said("tool", "21"),
]
IMAGE = {"type": "image", "image": "photo.jpg"}
SEEN = [said("user", [IMAGE, {"type": "text", "text": "What is in the picture? <|image_pad|>"}])]
SEEN_TURNS = [
    said("system", [{"type": "text", "text": "Look "}, {"type": "text", "text": "closely."}]),
    said("user", [IMAGE, {"type": "image_url", "image_url": "x"}, {"type": "text", "text": "Compare."}]),
    said("assistant", [{"type": "text", "text": "The first is red."}]),
    said("user", [{"type": "text", "text": "And "}, {"type": "video", "video": ["a", "b"]}, {"type": "text", "text": "this?"}]),
]
SEEN_SIMPLE = [
    said("user", [{"type": "image"}, {"type": "text", "text": "What?"}, {"type": "image"}]),
    said("assistant", [{"type": "text", "text": "A dog."}]),
    said("user", [{"type": "text", "text": "Sure?"}]),
]
SEEN_TOOL = [
    said("user", "Screenshot, please."),
    said("assistant", "", tool_calls=[CALL]),
    said("tool", [IMAGE, {"type": "text", "text": "done"}]),
]


def prompt(messages, generate=True, **more):
    return {"messages": messages, "add_generation_prompt": generate, **more}


CASES = {
    "hello": prompt(HELLO),
    "hello-done": prompt(HELLO, False),
    "turns": prompt(TURNS),
    "two-turns": prompt(TWO_TURNS, **TOKENS),
    "turns-tokens": prompt(TURNS, **TOKENS),
    "tools": prompt(TURNS, tools=[WEATHER, WEATHER["function"]]),
    "tools-asked": prompt(HELLO, tools=[WEATHER], **TOKENS),
    "tool-turns": prompt(TOOL_TURNS, tools=[WEATHER], **TOKENS),
    "two-calls": prompt(TWO_CALLS, tools=[WEATHER], **TOKENS),
    "reasoned": prompt(REASONED, False),
    "reasoned-tools": prompt(REASONED_TOOLS, tools=[WEATHER]),
    "thinking-off": prompt(HELLO, enable_thinking=False),
    "thinking-on": prompt(HELLO, enable_thinking=True),
    "seen": prompt(SEEN, **TOKENS),
    "seen-ids": prompt(SEEN_TURNS, add_vision_id=True),
    "seen-turns": prompt(SEEN_TURNS),
    "seen-simple": prompt(SEEN_SIMPLE, **TOKENS),
    "seen-tool": prompt(SEEN_TOOL, tools=[WEATHER]),
    "seen-system": prompt(SEEN_TURNS, **TOKENS),
    "builtin": prompt(TOOL_TURNS, builtin_tools=["get_weather"], today="1 Jan 2025", **TOKENS),
    "none": prompt([]),
    "no-content": prompt([{"role": "user"}]),
}

TEXT = ["hello", "hello-done", "turns", "two-turns", "no-content"]
CONVERSATIONS = {
    "cases": CASES,
    "plan": {
        "chatml.jinja": TEXT + ["none"],
        "qwen2-style.jinja": TEXT,
        "qwen2.5.jinja": TEXT + ["tools", "tool-turns", "two-calls", "none"],
        "qwen3.jinja": TEXT
        + ["tools", "tool-turns", "two-calls", "reasoned", "reasoned-tools", "thinking-off", "thinking-on", "none"],
        "qwen-vision-style.jinja": TEXT
        + ["tools", "tool-turns", "two-calls", "seen", "seen-ids", "seen-turns", "seen-simple", "seen-tool"],
        "llama3-style.jinja": ["two-turns", "turns-tokens", "tools-asked", "tool-turns", "two-calls", "seen", "seen-simple", "seen-system", "builtin", "none"],
        "mistral-style.jinja": ["hello", "two-turns", "turns-tokens", "none"],
        "mistral-nemo.jinja": ["two-turns", "turns-tokens", "tools-asked", "tool-turns", "two-calls"],
        "llava-style.jinja": ["seen", "seen-simple", "seen-turns"],
    },
}
