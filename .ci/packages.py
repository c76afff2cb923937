"""What is installed: `packages.py licences` as a table, `packages.py sbom` as CycloneDX JSON. It needs no package itself."""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
from importlib.metadata import Distribution, distributions

_SHOWN = 60


def packages() -> list[Distribution]:
    """Every installed distribution once, by name."""
    found = {normal(one.metadata["Name"]): one for one in distributions() if one.metadata["Name"]}
    return [found[name] for name in sorted(found)]


def normal(name: str) -> str:
    """The name as an index writes it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def licence(package: Distribution) -> str:
    """What a package says of its licence: an expression, else its classifiers, else its own words; else "unknown"."""
    told = package.metadata
    classifiers = [
        one.rpartition(" :: ")[2] for one in told.get_all("Classifier") or [] if one.startswith("License ::")
    ]
    words = (told["License"] or "").strip().splitlines()[:1]
    return told["License-Expression"] or "; ".join(classifiers) or (words[0][:_SHOWN] if words else "") or "unknown"


def component(package: Distribution) -> dict[str, object]:
    """A component of the bill: name, version, address in the index, licence, and the hash of the list of its files as installed."""
    name, version = normal(package.metadata["Name"]), package.version
    record = (package.read_text("RECORD") or "").encode()
    entry: dict[str, object] = {
        "type": "library",
        "name": name,
        "version": version,
        "purl": f"pkg:pypi/{name}@{version}",
    }
    entry["licenses"] = [{"license": {"name": licence(package)}}]
    if record:
        entry["properties"] = [{"name": "record:sha256", "value": hashlib.sha256(record).hexdigest()}]
    return entry


def bill() -> dict[str, object]:
    """The bill of materials. It has no time and no serial number: the same installation gives the same bytes."""
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "components": [component(one) for one in packages()],
    }


def main() -> None:
    """Print one of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("licences", "sbom"))
    if parser.parse_args().what == "sbom":
        json.dump(bill(), sys.stdout, indent=1)
        sys.stdout.write("\n")
        return
    for one in packages():
        sys.stdout.write(f"{normal(one.metadata['Name']):32} {one.version:16} {licence(one)}\n")


if __name__ == "__main__":
    main()
