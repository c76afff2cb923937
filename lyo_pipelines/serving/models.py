"""Which models can be asked, by the names that requests use, and which adapter a name and a user mean. Answering is in generation.py.

`<base>` is a base model, `<segment>` the adapter that serves it (by the routing file where there is one, else the newest), and
`<segment>@<version>` one adapter. Checksums are compared before an adapter is used for the first time.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from lyo_pipelines.contracts.document import DocumentError
from lyo_pipelines.evaluation.inputs.evaluation_inputs import ModelSpec
from lyo_pipelines.evaluation.planning.assemble import adapter_spec
from lyo_pipelines.fine_tuning.record import MODEL_PREFIX, job_of_model, read_jobs
from lyo_pipelines.rollout.selection import Query
from lyo_pipelines.segments import SegmentKeyError, parse_parent
from lyo_pipelines.serving.contract import RefusedError
from lyo_pipelines.serving.routed import Routed, RoutingFile, routed_adapter, routed_query
from lyo_pipelines.storage.lake import Lake
from lyo_pipelines.storage.local_copies import fetched
from lyo_pipelines.tasks.fine_tuning import is_fine_tuned
from lyo_pipelines.training.plan import TrainingResult, is_complete, read_adapter
from lyo_pipelines.training.verified_loading import DamagedAdapterError, published_files
from lyo_pipelines.training.versions import NoAdapterError, latest_adapter

AUTO = "auto"
"""The model's name of a request that leaves the choice to the routing."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ModelChoice:
    """The model that answers one request. version: of the adapter, or the base's name; arm, release_id: of a release that is under
    way. segment: whose adapter it is, "" for a base. route: what led here, None where the request named exactly this one.
    tuned_by: the key whose fine-tuning job made it, where it is asked for as such.
    """

    name: str
    spec: ModelSpec
    version: str
    arm: str | None = None
    release_id: str | None = None
    segment: str = ""
    route: Routed | None = None
    tuned_by: str = ""


class NotLoadableError(DamagedAdapterError):
    """The adapter of a route cannot be loaded, and nothing answers instead. version, arm, release_id: whose failure it is."""

    def __init__(self, message: str, route: Routed) -> None:
        super().__init__(message)
        self.version, self.arm, self.release_id = route.version or "", route.arm, route.release_id


def no_model(model: str, known: Sequence[str] = ()) -> RefusedError:
    """What is said of a name that nobody may ask here, whether or not there is such a model. known: names that may be asked."""
    there = f"; there are {', '.join(known)}" if known else ""
    return RefusedError(f"no model {model!r} here{there}", status=404, param="model", code="model_not_found")


@dataclass
class Models:
    """The models of one server. base: name or folder; only: the segments that are served (None: all with an adapter); to_base: whether
    the base answers where the adapter that serves everybody cannot be loaded; tuned: whether what fine-tuning jobs made can be asked
    for (by `ft:…`).
    """

    lake: Lake
    base: str
    only: tuple[str, ...] | None = None
    to_base: bool = False
    tuned: bool = False
    _verified: dict[Path, tuple[ModelSpec, dict[str, str]]] = field(default_factory=dict)
    _routing: RoutingFile = field(init=False)

    def __post_init__(self) -> None:
        self._routing = RoutingFile(self.lake)

    @property
    def base_name(self) -> str:
        """What requests call the base."""
        return Path(self.base).name

    def names(self) -> list[str]:
        """Every name that can be asked for, the base last."""
        return [*self.segments(), self.base_name]

    def segments(self) -> list[str]:
        """Segments that an adapter serves; those of uploads are their owners' matter."""
        known = self.lake.names(self.lake.path("adapters")) if self.only is None else self.only
        routed = self._routing.now().entries
        wanted = [key for key in known if self.only is not None or not is_fine_tuned(key)]
        return [key for key in wanted if key in routed or self._newest(key) is not None]

    def tuned_models(self) -> list[tuple[str, str]]:
        """(name, whose) of every model that a fine-tuning job made, newest first."""
        jobs = read_jobs(self.lake) if self.tuned else []
        return [(job.fine_tuned_model, job.of) for job in jobs if job.fine_tuned_model]

    def choose(self, model: str, user: str | None) -> ModelChoice:
        """The model that a request means. Raises RefusedError for a name that is not served, DamagedAdapterError for a wrong file."""
        if model in {self.base, self.base_name}:
            return self._base(model)
        if self.tuned and (job := job_of_model(self.lake, model)) is not None:
            return replace(self._named(model, job.segment, job.adapter), tuned_by=job.of)
        segment, _, version = model.partition("@")
        if self._is_served(segment):
            if version:
                return self._named(model, segment, version)
            if (route := routed_adapter(self.lake, segment, user, self._routing.now())) is not None:
                return self._by_route(model, route)
            if (newest := self._newest(segment)) is not None:
                return self._by_newest(model, segment, newest)
        raise no_model(model, () if model.startswith(MODEL_PREFIX) else self.names())

    def choose_for(self, query: Query, user: str | None) -> ModelChoice:
        """The model for a question that names none: routed, else the newest adapter of the nearest segment that was never released,
        else the base. Raises DamagedAdapterError.
        """
        route, keys = routed_query(self.lake, query, user, self._routing.now())
        if route is not None and self._is_served(route.segment):
            return self._by_route(AUTO, route)
        for key in keys:
            if self._is_served(key) and (newest := self._newest(key)) is not None:
                return self._by_newest(AUTO, key, newest)
        return self._base(AUTO)

    def routed(self) -> list[ModelChoice]:
        """Every choice that the routing file can lead to now, the base first; what cannot be loaded is left out (and falls back)."""
        found = [self._base(self.base_name)]
        for entry in self._routing.now().entries.values():
            for target in (entry.champion, entry.candidate):
                if target is None or not self._is_served(target.segment):
                    continue
                try:
                    found.append(
                        self._by_route(target.segment, Routed(target.segment, target.version, files=target.files))
                    )
                except NotLoadableError as error:
                    _log.warning("%s", error)
        return found

    def next_after(self, choice: ModelChoice) -> ModelChoice | None:
        """What answers where an engine does not take the adapter of a choice: what serves the others, then the base; None: nothing.

        Arm and release stay the user's. One adapter that a request named by its version has no other.
        """
        route = choice.route
        if route is None or route.version is None:
            return None
        following = route.fallback or (Routed(route.segment, None) if self.to_base else None)
        if following is None:
            return None
        return self._by_route(choice.name, replace(following, arm=route.arm, release_id=route.release_id))

    def _is_served(self, name: str) -> bool:
        try:
            parse_parent(name)
        except SegmentKeyError:
            return False
        return self.only is None or name in self.only

    def _base(self, model: str, *, four_bit: bool = False) -> ModelChoice:
        spec = ModelSpec("base", self.base, None, self.base_name, self.base, four_bit)
        return ModelChoice(model, spec, self.base_name)

    def _by_route(self, model: str, route: Routed) -> ModelChoice:
        """The adapter (or base) of a route; what serves the other users where it cannot be loaded.

        The arm stays the user's: that another adapter answered in it tells that a machine cannot load the candidate.
        """
        if route.version is None:  # as the report compared it: in 4 bits where the segment's adapter runs so
            newest = self._newest(route.segment)
            four_bit = newest is not None and newest.manifest.base_in_4_bits
            return replace(
                self._base(model, four_bit=four_bit), arm=route.arm, release_id=route.release_id, route=route
            )
        try:
            folder = fetched(self.lake, self.lake.adapter_dir(route.segment, route.version))
            spec = self._spec(folder)
            there = self._verified[folder][1]
            if other := sorted(name for name in route.files.keys() & there.keys() if route.files[name] != there[name]):
                raise DamagedAdapterError(f"{folder} is not the adapter that was released: {', '.join(other)} differ.")
        except (DamagedAdapterError, DocumentError) as error:
            if route.fallback is None and self.to_base:
                _log.warning("%s; the base answers instead", error)
                return replace(self._base(model), arm=route.arm, release_id=route.release_id)
            if route.fallback is None:
                raise NotLoadableError(str(error), route) from error
            _log.warning("%s; %s@%s answers instead", error, route.fallback.segment, route.fallback.version or "base")
            return self._by_route(model, replace(route.fallback, arm=route.arm, release_id=route.release_id))
        return ModelChoice(model, spec, route.version, route.arm, route.release_id, route.segment, route)

    def _named(self, model: str, segment: str, version: str) -> ModelChoice:
        folder = fetched(self.lake, self.lake.adapter_dir(segment, version))
        if "/" in version or not is_complete(folder):
            raise RefusedError(
                f"{segment} has no finished adapter {version!r}", status=404, param="model", code="model_not_found"
            )
        return ModelChoice(model, self._spec(folder), version, segment=segment)

    def _by_newest(self, model: str, segment: str, newest: TrainingResult) -> ModelChoice:
        route = Routed(segment, newest.version)
        return ModelChoice(model, self._spec(newest.path), newest.version, segment=segment, route=route)

    def _newest(self, segment: str) -> TrainingResult | None:
        try:
            return latest_adapter(self.lake, segment)
        except NoAdapterError:
            return None

    def _spec(self, folder: Path) -> ModelSpec:
        """The adapter in a folder, whose files were compared with their checksums (once for each server)."""
        if folder not in self._verified:
            digests = published_files(folder)
            version = read_adapter(folder).version
            # the role is the adapter's name in memory: one for each, and without dots
            role = "served_" + "".join(sign if sign.isalnum() else "_" for sign in f"{folder.parent.name}_{version}")
            self._verified[folder] = adapter_spec(role, folder), digests
        return self._verified[folder][0]
