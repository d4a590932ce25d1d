"""What SPEC does with a macro file: the part of its language that ours uses, with Tango calls to real devices.

SPEC is commercial, and no test can have it. What its manual says is kept to: macros and macro functions, chained macros
(`cdef`), arrays, and Tango's functions. These set TANGO_ERR and TANGO_ERR_STACK, and they go back to the prompt at an
error unless TANGO_ERR was -1.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import tango

TOKEN = re.compile(
    r"""(?P<space>(?:[ \t]|\\\n|\#[^\n]*)+) | (?P<end>[;\n]+) | (?P<number>0x[0-9a-fA-F]+|\d+\.?\d*(?:e-?\d+)?)
    | "(?P<text>(?:\\.|[^"\\])*)" | '(?P<body>[^']*)' | (?P<name>[A-Za-z_]\w*)
    | (?P<sign>&&|\|\||==|!=|<=|>=|\+\+|[-+*/!<>=(),{}\[\].:$])""",
    re.VERBOSE,
)
ESCAPES = {r"\n": "\n", r"\"": '"', r"\\": "\\"}
PRECEDENCE = {"||": 1, "&&": 2, "==": 3, "!=": 3, "<": 4, ">": 4, "<=": 4, ">=": 4, "+": 5, "-": 5, "*": 6, "/": 6}
WORDS = {"if", "else", "for", "return", "exit", "print", "local", "global", "def"}


class BackToThePromptError(Exception):
    """What ends all that runs in SPEC: an error, `exit`, or ^C."""


class Return(Exception):  # noqa: N818 - no error
    """A macro function's value."""


@dataclass
class Spec:
    """One session of SPEC."""

    globals: dict[str, Any] = field(default_factory=dict)
    printed: list[str] = field(default_factory=list)
    now: Callable[[], float] = time.time
    _macros: dict[str, tuple[list[str] | None, str]] = field(default_factory=dict)
    _chains: dict[str, dict[str, tuple[int, str]]] = field(default_factory=dict)
    _proxies: dict[str, tango.DeviceProxy] = field(default_factory=dict)

    def run(self, text: str) -> None:
        """Do what is typed at the prompt. After an error the clean-up macros run."""
        try:
            _Program(self, text, self.globals).run()
        except BackToThePromptError as error:
            self.printed.append(str(error))
            self.clean_up()
        finally:
            self._chains.pop("cleanup_once", None)

    def clean_up(self) -> None:
        """What SPEC does at ^C, too."""
        self.run_chain("cleanup_once")
        self._chains.pop("cleanup_once", None)

    def run_chain(self, name: str) -> None:
        """Run a chained macro, as the standard macros run their hooks."""
        for _, text in sorted(self._chains.get(name, {}).values(), key=lambda part: part[0]):
            _Program(self, text, self.globals).run()

    def define(self, name: str, parameters: list[str] | None, body: str) -> None:
        self._macros[name] = (parameters, body)

    def call(self, name: str, arguments: list[Any]) -> Any:
        """A macro function, or one of SPEC's own functions."""
        if name in self._macros:
            parameters, body = self._macros[name]
            assert parameters is not None, f"{name} is no function"
            assert len(parameters) == len(arguments), f"{name} takes {parameters}"
            try:
                _Program(self, body, dict(zip(parameters, arguments, strict=True))).run()
            except Return as value:
                return value.args[0]
            return 0
        return getattr(self, f"_f_{name}")(*arguments)

    def command(self, name: str, words: list[str], scope: dict[str, Any]) -> None:
        """A macro that is called by its name, followed by words."""
        parameters, body = self._macros[name]
        assert parameters is None, f"{name} is a function"
        for number, word in enumerate(words, 1):
            body = body.replace(f"${number}", word)
        _Program(self, body.replace("$#", str(len(words))), scope).run()

    def has_command(self, name: str) -> bool:
        return name in self._macros and self._macros[name][0] is None

    def _f_cdef(self, name: str, text: str, key: str, flags: int | str = 0) -> None:
        chain = self._chains.setdefault(name, {})
        if flags == "delete":
            chain.pop(key, None)
        else:
            assert flags in (0, 0x10, 0x20)
            chain[key] = ({0x10: -1, 0: 0, 0x20: 1}[int(flags)], text)

    def _f_sprintf(self, form: str, *values: Any) -> str:
        kinds = re.findall(r"%[-.\d]*([a-z])", form)
        assert len(kinds) == len(values), form
        convert = {"s": spelt, "d": lambda value: int(number(value)), "g": number, "f": number}
        return form % tuple(convert[kind](value) for kind, value in zip(kinds, values, strict=True))

    def _f_printf(self, form: str, *values: Any) -> None:
        self.printed.append(self._f_sprintf(form, *values).strip())

    def _f_index(self, text: str, part: str) -> int:
        return spelt(text).find(part) + 1

    def _f_time(self) -> float:
        return self.now()

    def _f_motor_mne(self, number_: float) -> str:
        return ["sx", "sy", "srot"][int(number_)]

    def _f_tango_io(self, device: str, name: str, argument: Any = None) -> Any:
        if name == "timeout":
            return self._tango(lambda: self._proxy(device).set_timeout_millis(int(argument * 1000)))
        return self._tango(lambda: self._proxy(device).command_inout(name, argument))

    def _f_tango_put(self, device: str, name: str, value: Any) -> Any:
        return self._tango(lambda: self._proxy(device).write_attribute(name, value))

    def _proxy(self, device: str) -> tango.DeviceProxy:
        if device not in self._proxies:
            self._proxies[device] = tango.DeviceProxy(device)
        return self._proxies[device]

    def _tango(self, work: Callable[[], Any]) -> Any:
        goes_on = self.globals.get("TANGO_ERR") == "-1"
        try:
            answer = work()
        except tango.DevFailed as error:
            self.globals["TANGO_ERR"] = error.args[0].reason
            self.globals["TANGO_ERR_STACK"] = {
                float(level): {"reason": one.reason, "desc": one.desc, "origin": one.origin}
                for level, one in enumerate(error.args)
            }
            if not goes_on:
                raise BackToThePromptError(error.args[0].desc) from None
            return -1
        self.globals["TANGO_ERR"], self.globals["TANGO_ERR_STACK"] = "", {}
        return 0 if answer is None else answer


def number(value: Any) -> float:
    try:
        return float(value)
    except ValueError:
        return 0.0


def spelt(value: Any) -> str:
    return value if isinstance(value, str) else f"{value:.15g}"


class _Program:
    """A text of the language. It is run while it is parsed; what is not to be run is parsed with `_live` off."""

    def __init__(self, spec: Spec, text: str, scope: dict[str, Any]) -> None:
        self._spec, self._scope, self._text = spec, scope, text
        self._tokens: list[tuple[str, str, int]] = []
        position = 0
        while position < len(text):
            found = TOKEN.match(text, position)
            assert found, f"SPEC's language: {text[position : position + 40]!r}"
            kind = found.lastgroup
            if kind != "space":
                self._tokens.append((str(kind), found[str(kind)], position))
            position = found.end()
        self._tokens.append(("end", "", position))
        self._at, self._live = 0, True

    def run(self) -> None:
        while self._at < len(self._tokens):
            self._statement()

    def _peek(self) -> str:
        return self._tokens[self._at][1] if self._at < len(self._tokens) else ""

    def _kind(self) -> str:
        return self._tokens[self._at][0]

    def _take(self, wanted: str = "") -> str:
        _, text, place = self._tokens[self._at]
        assert not wanted or text == wanted, f"{wanted} expected: {self._text[place : place + 60]!r}"
        self._at += 1
        return text

    def _ends(self) -> None:
        while self._at < len(self._tokens) and self._kind() == "end":
            self._at += 1

    def _rest_of_line(self) -> list[str]:
        words = []
        while self._kind() != "end" and self._peek() != "}":
            words.append(self._take())
        return words

    def _statement(self) -> None:
        self._ends()
        if self._at >= len(self._tokens):
            return
        word = self._peek()
        if word == "{":
            self._block()
        elif self._kind() == "name" and (word in WORDS or self._spec.has_command(word)):
            self._take()
            if word in WORDS:
                getattr(self, f"_s_{word}")()
            else:
                start = self._tokens[self._at][2]
                self._rest_of_line()
                words = self._text[start : self._tokens[self._at][2]].split("#")[0].split()
                if self._live:
                    self._spec.command(word, words, self._scope)
        else:
            self._expression()

    def _block(self) -> None:
        self._take("{")
        self._ends()
        while self._peek() != "}":
            self._statement()
            self._ends()
        self._take("}")

    def _if_live(self, *, live: bool) -> None:
        before, self._live = self._live, self._live and live
        self._statement()
        self._live = before

    def _s_if(self) -> None:
        self._take("(")
        is_true = bool(truth(self._expression()))
        self._take(")")
        self._if_live(live=is_true)
        place = self._at
        self._ends()
        if self._peek() == "else":
            self._take()
            self._if_live(live=not is_true)
        else:
            self._at = place

    def _s_for(self) -> None:
        self._take("(")
        self._expression()
        self._take(";")
        condition = self._at
        while True:
            self._at = condition
            goes_on = bool(truth(self._expression())) and self._live
            self._take(";")
            step = self._at
            before, self._live = self._live, False
            self._expression()
            self._live = before
            self._take(")")
            self._if_live(live=goes_on)
            if not goes_on:
                return
            self._at = step
            self._expression()

    def _s_return(self) -> None:
        value = self._expression()
        if self._live:
            raise Return(value)

    def _s_exit(self) -> None:
        if self._live:
            raise BackToThePromptError("exit")

    def _s_print(self) -> None:
        value = self._expression()
        if self._live:
            self._spec.printed.append(spelt(value))

    def _s_global(self) -> None:
        for name in self._rest_of_line():
            self._spec.globals.setdefault(name, 0.0)

    def _s_local(self) -> None:
        words = self._rest_of_line()
        if words[:2] == ["string", "array"]:
            assert words[3] == words[6] == "["
            if self._live:
                self._scope[words[2]] = [""] * int(words[4])
        else:
            self._scope |= dict.fromkeys(words, 0.0)

    def _s_def(self) -> None:
        name, parameters = self._take(), None
        if self._peek() == "(":
            self._take()
            parameters = [word for word in self._until(")") if word != ","]
        assert self._kind() == "body"
        self._spec.define(name, parameters, self._take())

    def _until(self, sign: str) -> list[str]:
        words = []
        while self._peek() != sign:
            words.append(self._take())
        self._take(sign)
        return words

    def _expression(self, floor: int = 0) -> Any:
        left = self._operand()
        while (sign := self._peek()) in PRECEDENCE and self._kind() == "sign" and PRECEDENCE[sign] > floor:
            self._take()
            before = self._live
            if sign in ("&&", "||"):
                self._live = before and bool(truth(left)) == (sign == "&&")
            right = self._expression(PRECEDENCE[sign])
            self._live = before
            left = operated(left, sign, right)
        return left

    def _operand(self) -> Any:
        kind, word = self._kind(), self._take()
        if kind == "text":
            return re.sub(r'\\[n"\\]', lambda escape: ESCAPES[escape[0]], word)
        if kind == "number":
            return float(int(word, 16)) if word.startswith("0x") else float(word)
        if word == "(":
            value = self._expression()
            self._take(")")
            return value
        if word == "!":
            return float(not truth(self._operand()))
        if word == "-":
            return -number(self._operand())
        assert kind == "name", f"an operand expected, not {word!r}"
        return self._call(word) if self._peek() == "(" else self._variable(word)

    def _call(self, name: str) -> Any:
        self._take("(")
        arguments = []
        while self._peek() != ")":
            arguments.append(self._expression())
            if self._peek() == ",":
                self._take()
        self._take(")")
        return self._spec.call(name, arguments) if self._live else 0.0

    def _variable(self, name: str) -> Any:
        scope = self._scope if name in self._scope else self._spec.globals
        where: Any = scope
        key: Any = name
        while self._peek() == "[":
            self._take()
            inner = self._expression()
            self._take("]")
            if self._live:
                where, key = where[key], int(inner) if isinstance(where[key], list) else inner
        sign = self._peek()
        if sign == "=":
            self._take()
            value = self._expression()
            if self._live:
                where[key] = value
            return value
        if sign == "++":
            self._take()
            if self._live:
                where[key] = number(where[key]) + 1
            return 0.0
        if not self._live:
            return 0.0
        assert where is not scope or key in scope, f"{name} is not known"
        return where[key]


def truth(value: Any) -> bool:
    return bool(value) if isinstance(value, str) else number(value) != 0


def operated(left: Any, sign: str, right: Any) -> Any:
    if sign in ("==", "!="):
        is_equal = spelt(left) == spelt(right) if isinstance(left, str) or isinstance(right, str) else left == right
        return float(is_equal == (sign == "=="))
    a, b = number(left), number(right)
    results = {
        "||": lambda: truth(left) or truth(right),
        "&&": lambda: truth(left) and truth(right),
        "<": lambda: a < b,
        ">": lambda: a > b,
        "<=": lambda: a <= b,
        ">=": lambda: a >= b,
        "+": lambda: a + b,
        "-": lambda: a - b,
        "*": lambda: a * b,
        "/": lambda: a / b if b else 0.0,
    }
    return float(results[sign]())
