"""Find, show and check fault profiles."""

from __future__ import annotations

import re
from collections.abc import Iterable
from math import log
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from mockserver.author_errors import Mistake
    from mockserver.profiles import Profile, Shelf

folder_option = click.option(
    "--profiles",
    "folders",
    multiple=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder with profiles of your own; they come before the shipped ones.",
)


@click.group(invoke_without_command=True)
@click.pass_context
def profiles(context: click.Context) -> None:
    """Find, show and check fault profiles. Without a command: list them."""
    if context.invoked_subcommand is None:
        context.invoke(list_profiles)


@profiles.command("list")
@click.option("--search", default="", help="What you saw, in your own words: the profiles that match best come first.")
@click.option("--tag", "tags", multiple=True, help="Only those with this tag.")
@folder_option
def list_profiles(search: str = "", tags: tuple[str, ...] = (), folders: tuple[Path, ...] = ()) -> None:
    """A line a profile: its name and title."""
    from mockserver.profiles import Shelf

    shelf = Shelf(folders)
    readable = list(_readable(shelf))
    _check_tags(tags, {tag for profile in readable for tag in profile.tags})
    found = [profile for profile in readable if set(tags) <= set(profile.tags)]
    if search:
        found = best(found, search)
    if not found:
        raise click.ClickException("no profile matches; `streamproof profiles` lists them all")
    width = max(len(profile.name) for profile in found)
    for profile in found:
        click.echo(f"{click.style(profile.name, bold=True)}{' ' * (width - len(profile.name))}  {profile.title}")


def _check_tags(tags: Iterable[str], known: set[str]) -> None:
    from mockserver.author_errors import nearest

    for tag in tags:
        if tag not in known:
            raise click.ClickException(f"no profile has the tag '{tag}'{nearest(tag, known)}; known: {', '.join(sorted(known))}")


@profiles.command()
@click.argument("name")
@folder_option
def show(name: str, folders: tuple[Path, ...]) -> None:
    """A profile as it is written, and where."""
    from mockserver.author_errors import nearest
    from mockserver.profiles import Shelf

    shelf = Shelf(folders)
    if not shelf.knows(name):
        raise click.ClickException(f"no profile named '{name}'{nearest(name, shelf.names())}; `streamproof profiles` lists them")
    path = shelf.paths()[name]
    click.echo(click.style(f"# {path}", dim=True))
    click.echo(path.read_text(encoding="utf-8"), nl=False)


@profiles.command(short_help="Check files and folders of profiles.")
@click.argument("paths", nargs=-1, type=click.Path(exists=True, path_type=Path))
def validate(paths: tuple[Path, ...]) -> None:
    """Check files and folders of profiles, or all the shipped ones: every mistake with its file and line."""
    from mockserver.author_errors import AuthorError
    from mockserver.profiles import Shelf, load_file

    files = [file for path in paths for file in _files(path)]
    mistakes: list[Mistake] = []
    for file in files if paths else Shelf().paths().values():
        try:
            load_file(file)
        except AuthorError as error:
            mistakes += error.mistakes
    for mistake in mistakes:
        click.echo(str(mistake), err=True)
    if mistakes:
        raise click.ClickException(f"{len(mistakes)} mistake{'s' if len(mistakes) > 1 else ''}")
    count = len(files) if paths else len(Shelf().paths())
    click.echo(f"{count} profile{'' if count == 1 else 's'}, all valid")


def _files(path: Path) -> list[Path]:
    """A file, or those of a folder."""
    found = sorted(path.rglob("*.yaml")) if path.is_dir() else [path]
    if not found:
        raise click.ClickException(f"there is no profile in {path}: wanted files that end in .yaml")
    return found


def _readable(shelf: Shelf) -> Iterable[Profile]:
    """All profiles that load; what is wrong with the others goes to stderr."""
    from mockserver.author_errors import AuthorError

    for name in shelf.names():
        try:
            yield shelf.profile(name)
        except AuthorError as error:
            click.echo(str(error), err=True)


def best(found: list[Profile], search: str) -> list[Profile]:
    """The profiles that share words with a description, best first, without those that match far less than the best one. A word
    counts for more in a name, a title or a tag than in the reasons, and the rarer it is."""
    texts = [
        {stem: weight for text, weight in ((_text(each), weight) for weight, _text in FIELDS) for stem in stems(text)} for each in found
    ]
    wanted = set(stems(search))
    rarity = {word: log(1 + len(texts) / (1 + sum(word in text for text in texts))) for word in wanted}
    scores = [sum(text.get(word, 0) * rarity[word] for word in wanted) for text in texts]
    ranked = sorted(zip(scores, found, strict=True), key=lambda pair: (-pair[0], pair[1].name))
    least = max((score for score, _ in ranked), default=0.0) * LEAST
    return [profile for score, profile in ranked if score > 0 and score >= least]


LEAST = 0.3
"""How well a profile has to match to be listed, beside the best one."""


FIELDS = (
    (1.0, lambda profile: profile.why),
    (3.0, lambda profile: " ".join(profile.tags)),
    (3.0, lambda profile: profile.title),
    (4.0, lambda profile: profile.name),
)
"""From the least to the most telling."""


def stems(text: str) -> Iterable[str]:
    """The words of an English text without their endings: stops, stopped and stopping are one word."""
    for word in re.findall(r"\w+", text.lower()):
        stem = re.sub(r"(?<=\w{3})(ing|ed|es|s|e)$", "", word)
        yield re.sub(r"([b-df-hj-np-tv-z])\1$", r"\1", stem)
