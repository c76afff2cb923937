"""`lyo key rotate`: a new pseudonym key for everybody in the lake."""

from __future__ import annotations

import typer
from rich.console import Console

from lyo_pipelines.errors import LyoError

key_app = typer.Typer(no_args_is_help=True, help="The key of the pseudonyms.")
_UNREACHED = (
    "Not reached: files in the inbox keep the pseudonyms that a gateway wrote into them (land them before), an A/B test in progress "
    "assigns people anew, and ids of interactions, conversations and exercises stay hashes of the first key."
)


class PseudonymsLeftError(LyoError):
    """Pseudonyms of the old key are still in the lake."""


@key_app.callback()
def _key() -> None:
    """A group even with one command in it."""


@key_app.command()
def rotate() -> None:
    """Give everybody in the lake the pseudonym of a new key (LYO_PSEUDONYM_KEY; the old one in LYO_PSEUDONYM_KEYS_BEFORE)."""
    from lyo_pipelines.config.settings import Settings
    from lyo_pipelines.integrity.rotation import rotate_key
    from lyo_pipelines.interactions.pseudonyms import Pseudonyms
    from lyo_pipelines.interactions.store.tombstones import read_tombstones
    from lyo_pipelines.storage.lake import Lake

    settings, console = Settings.from_env(), Console()
    lake = Lake(settings.data_dir)
    done = rotate_key(lake, Pseudonyms(settings.require_pseudonym_key()))
    if done.left:
        raise PseudonymsLeftError(
            f"{done.left} pseudonyms of the old key were written while this ran.",
            hint="Stop what writes into the lake, and restore it from a backup or erase these people.",
        )
    console.print(
        f"{done.people:,} people have a new pseudonym, in {done.files:,} files; no old one is left.", highlight=False
    )
    console.print(_UNREACHED, highlight=False)
    if erased := len(read_tombstones(lake).people):
        console.print(
            f"{erased:,} people were erased under the key before: erase them again if their old files may be read again."
        )
    console.print("Keep both keys: LYO_PSEUDONYM_KEYS_BEFORE goes on being needed.", highlight=False)
