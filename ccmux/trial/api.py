"""A Messages API on loopback that thinks with the demo agent's brain: what a tried CLI talks to.

It speaks just enough of the documented HTTP interface (`POST /v1/messages` with `stream: true`, answered by
server-sent events) for Claude Code 2.1.329, and never touches the network beyond 127.0.0.1.

    with ScriptedApi() as api:
        environment = scratch_home(home, project) | {"ANTHROPIC_BASE_URL": api.url}

Requests without tools are the CLI's own errands (titles, topics, summaries): they get one harmless line.
"""

from __future__ import annotations

import json
import select
import threading
from collections.abc import Callable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from ccmux.demo.brain import Call, Fail, Say, Step, Think, Wait, steps

_ERROR_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
    529: "overloaded_error",
}
_NOT_PROMPTS = ("<system-reminder>", "The user sent a new message while you were working:")
_PIECE_CHARS = 4000  # a text block comes in pieces of this size


class ScriptedApi:
    """The server, running in threads of its own between `__enter__` and `__exit__`.

    Attributes:
        think: What to do about a prompt; the demo brain unless the caller wants other answers.
    """

    def __init__(self, think: Callable[[str], list[Step]] = steps) -> None:
        self.think = think
        self._requests: list[dict[str, Any]] = []
        self._lock = threading.Lock()
        self.closing = threading.Event()
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="scripted api")

    @property
    def url(self) -> str:
        """What ANTHROPIC_BASE_URL must be."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def requests(self) -> list[dict[str, Any]]:
        """The bodies of all `/v1/messages` requests so far, in the order of their arrival; a copy."""
        with self._lock:
            return list(self._requests)

    def heard(self, body: dict[str, Any]) -> None:
        with self._lock:
            self._requests.append(body)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def prompt_of(messages: Sequence[dict[str, Any]]) -> tuple[str, int]:
    """Return the newest text a person (or ccmux) submitted, and how many tool calls have followed it."""
    calls = 0
    for message in reversed(messages):
        content = message["content"]
        if message["role"] == "assistant" and isinstance(content, list):
            calls += sum(block["type"] == "tool_use" for block in content)
        if message["role"] == "user":
            blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
            texts = [block["text"] for block in blocks if block["type"] == "text"]
            said = [text for text in texts if text.strip() and not text.startswith(_NOT_PROMPTS)]
            if said:
                return said[-1], calls
    return "", calls


def next_steps(todo: Sequence[Step], calls_made: int) -> list[Step]:
    """Return the steps of one response: behind the calls made so far, up to and with the next call."""
    rest = list(todo)
    for _ in range(calls_made):
        rest = rest[next((at + 1 for at, step in enumerate(rest) if isinstance(step, Call)), len(rest)) :]
    end = next((at + 1 for at, step in enumerate(rest) if isinstance(step, Call)), len(rest))
    return rest[:end] or [Say("Nothing is left to do.")]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False  # an idle keep-alive connection must not hold up the end

    def __init__(self, api: ScriptedApi) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.api = api

    def handle_error(self, request: object, client_address: object) -> None:
        """Stay silent: the CLI cuts a stream whenever it is interrupted."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing: tests read `requests`."""

    def do_HEAD(self) -> None:
        self._reply(200, b"")

    def do_GET(self) -> None:
        self._json(200, {"data": [], "has_more": False})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
        path = self.path.partition("?")[0]
        if path == "/v1/messages":
            self._answer(body)
        elif path == "/v1/messages/count_tokens":
            self._json(200, {"input_tokens": len(json.dumps(body)) // 4})
        else:
            self._json(200, {})

    def _answer(self, body: dict[str, Any]) -> None:
        api = self.server.api
        api.heard(body)
        if body.get("tools"):
            prompt, calls_made = prompt_of(body["messages"])
            todo = next_steps(api.think(prompt), calls_made)
        else:
            todo = [Say("ok")]
        for step in todo:
            if isinstance(step, Fail):
                error = {"type": _ERROR_TYPES.get(step.status, "api_error"), "message": "scripted failure"}
                self._json(step.status, {"type": "error", "error": error})
                return
        answer = _Answer(body, todo, number=len(api.requests))
        if not body.get("stream"):
            self._json(200, answer.whole())
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for event in answer.events():
            if isinstance(event, Wait):
                if self._left_within(event.seconds):
                    self.close_connection = True
                    return
            else:
                line = f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()
                self.wfile.write(b"%x\r\n%b\r\n" % (len(line), line))
        self.wfile.write(b"0\r\n\r\n")

    def _left_within(self, seconds: float) -> bool:
        """Hold the stream for `seconds`; True as soon as the client hangs up or the server closes."""
        poller = select.poll()
        poller.register(self.connection, select.POLLIN | select.POLLHUP)
        for _ in range(max(1, round(seconds / 0.05))):
            if poller.poll(0) or self.server.api.closing.wait(min(seconds, 0.05)):
                return True
        return False

    def _json(self, status: int, body: dict[str, Any]) -> None:
        self._reply(status, json.dumps(body).encode())

    def _reply(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class _Answer:
    """One response: its steps as content blocks, whole or as a stream of events."""

    def __init__(self, body: dict[str, Any], todo: Sequence[Step], *, number: int) -> None:
        self._todo = todo
        self._number = number
        self._stop_reason = "tool_use" if isinstance(todo[-1], Call) else "end_turn"
        self._head: dict[str, Any] = {
            "id": f"msg_scripted{number:04}",
            "type": "message",
            "role": "assistant",
            "model": body.get("model", "claude-scripted"),
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": self._usage(len(json.dumps(body)) // 4, 1),
        }

    @staticmethod
    def _usage(tokens_in: int, tokens_out: int) -> dict[str, Any]:
        return {
            "input_tokens": tokens_in,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": tokens_out,
        }

    def whole(self) -> dict[str, Any]:
        blocks = [self._block(at, step) for at, step in enumerate(self._todo) if not isinstance(step, Wait)]
        usage = self._head["usage"] | {"output_tokens": self._tokens_out()}
        return self._head | {"content": blocks, "stop_reason": self._stop_reason, "usage": usage}

    def events(self) -> Iterator[dict[str, Any] | Wait]:
        """Yield the stream's events in order; a Wait where nothing is sent for a while."""
        yield {"type": "message_start", "message": self._head}
        index = 0
        for at, step in enumerate(self._todo):
            if isinstance(step, Wait):
                yield step
                continue
            empty, deltas = self._streamed(at, step)
            yield {"type": "content_block_start", "index": index, "content_block": empty}
            for delta in deltas:
                yield {"type": "content_block_delta", "index": index, "delta": delta}
            yield {"type": "content_block_stop", "index": index}
            index += 1
        yield {
            "type": "message_delta",
            "delta": {"stop_reason": self._stop_reason, "stop_sequence": None},
            "usage": {"output_tokens": self._tokens_out()},
        }
        yield {"type": "message_stop"}

    def _streamed(self, at: int, step: Step) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        block = self._block(at, step)
        match block["type"]:
            case "thinking":
                deltas = [
                    {"type": "thinking_delta", "thinking": block["thinking"]},
                    {"type": "signature_delta", "signature": block["signature"]},
                ]
                return block | {"thinking": "", "signature": ""}, deltas
            case "text":
                text = block["text"]
                pieces = [text[start : start + _PIECE_CHARS] for start in range(0, len(text), _PIECE_CHARS)]
                return block | {"text": ""}, [{"type": "text_delta", "text": piece} for piece in pieces]
            case _:
                delta = {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
                return block | {"input": {}}, [delta]

    def _block(self, at: int, step: Step) -> dict[str, Any]:
        match step:
            case Say(text=text):
                return {"type": "text", "text": text}
            case Think(text=text):
                return {"type": "thinking", "thinking": text, "signature": "c2NyaXB0ZWQ="}
            case Call(tool=tool, arguments=arguments):
                name = f"toolu_scripted{self._number:04}x{at}"
                return {"type": "tool_use", "id": name, "name": tool, "input": arguments}
            case _:
                raise AssertionError(step)

    def _tokens_out(self) -> int:
        return 1 + sum(len(str(step)) // 4 for step in self._todo)
