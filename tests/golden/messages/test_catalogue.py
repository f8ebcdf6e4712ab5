"""The catalogue is whole, and docs/messages.md says what it says."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Callable
from pathlib import Path
from string import Formatter

from kbsync import messages
from kbsync.cli import VERBS
from kbsync.config.server import ServerConfig
from kbsync.messages import Exit, Message, catalogue
from kbsync.messages.__main__ import ROOMS, page

PAGE = Path(__file__).parents[3] / "docs" / "messages.md"
LONGEST = 240
FILLER = "word"
COMMAND = re.compile(r"(?:^|[:`] ?|\b(?:then|with) )kbsync (?:-c \S+ )?([a-z]+)")


def filled(message: Message) -> tuple[str, str]:
    fields = Formatter().parse(f"{message.text}{message.advice}")
    notice = message(**{name: FILLER for _, name, _, _ in fields if name})
    return notice.text, notice.next


def defined() -> list[Message]:
    """Every message of every file of the catalogue, whether `catalogue` knows the file or not."""
    rooms = [room.name for room in pkgutil.iter_modules(messages.__path__)]
    modules = [importlib.import_module(f"kbsync.messages.{name}") for name in rooms]
    return [each for module in modules for each in vars(module).values() if type(each) is Message]


def offenders(fits: Callable[[Message], bool]) -> dict[str, str]:
    """Return what does not fit, by code, so that a failure names all of it."""
    return {code: filled(each)[1] for code, each in catalogue().items() if not fits(each)}


def test_the_page_is_what_the_catalogue_says() -> None:
    assert PAGE.read_text("utf-8") == page(), "type: make docs"


def test_every_message_is_in_the_catalogue_under_a_code_of_its_own() -> None:
    codes = [message.code for message in defined()]
    assert sorted(codes) == list(catalogue())


def test_a_code_is_a_letter_of_a_known_room_and_three_digits() -> None:
    pattern = re.compile(rf"KB-[{''.join(ROOMS)}]\d{{3}}")
    assert not offenders(lambda message: pattern.fullmatch(message.code) is not None)


def test_text_is_one_line() -> None:
    assert not offenders(lambda message: one_line(filled(message)[0]))


def test_next_is_one_line_to_type_or_to_do() -> None:
    def fits(message: Message) -> bool:
        following = filled(message)[1]
        # It is shown behind `next:`, so it reads on; a full stop would be typed with a command.
        reads_on = re.match(r"[`'\"]?[a-z]", following) is not None
        return not following or (one_line(following) and reads_on and following[-1] != ".")

    assert not offenders(fits)


def test_a_usage_error_says_what_to_type() -> None:
    assert not offenders(lambda message: bool(message.next) or message.exit is not Exit.USAGE)


def test_every_verb_to_type_exists() -> None:
    known = {*VERBS, FILLER}
    assert not offenders(lambda message: set(COMMAND.findall(filled(message)[1])) <= known)


def test_every_key_of_a_server_that_is_named_exists() -> None:
    def keys(message: Message) -> set[str]:
        return set(re.findall(r"\bserver\.([a-z_]+)", " ".join(filled(message))))

    assert not offenders(lambda message: keys(message) <= set(ServerConfig.model_fields))


def one_line(text: str) -> bool:
    return bool(text) and "\n" not in text and text == text.strip() and len(text) <= LONGEST
