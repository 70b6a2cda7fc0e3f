"""OpenLineage's JSON Schema, as its Python client's classes say it, to hold events against.

The client's classes are generated from the standard's schema files, which no package carries: so the way is
gone back here. What the classes do not know (formats, which name a facet goes by) stands below, from
the standard. The classes themselves do not check types, so an event that they made may well break it.
"""

import datetime as dt
import enum
import functools
import types
import typing
import uuid
from typing import Any
from urllib.parse import urlsplit

import attr
import jsonschema
from openlineage.client import facet_v2
from openlineage.client.event_v2 import RunEvent
from openlineage.client.generated import base

_KINDS = (base.RunFacet, base.JobFacet, base.DatasetFacet, base.InputDatasetFacet, base.OutputDatasetFacet)
#: Names of facets that are not their class's in camel case.
_NAMES = {
    "DatasetVersionDatasetFacet": "version",
    "ProcessingEngineRunFacet": "processing_engine",
    "ParentRunFacet": "parent",
}
_FORMATS = {
    "eventTime": "date-time",
    "nominalStartTime": "date-time",
    "nominalEndTime": "date-time",
    "producer": "uri",
    "_producer": "uri",
    "schemaURL": "uri",
    "_schemaURL": "uri",
    "runId": "uuid",
    "url": "uri",
}
_checker = jsonschema.FormatChecker(())


@_checker.checks("date-time", ValueError)
def _is_time(value: Any) -> bool:
    return dt.datetime.fromisoformat(value).tzinfo is not None


@_checker.checks("uri", ValueError)
def _is_uri(value: Any) -> bool:
    return bool(urlsplit(value).scheme) and " " not in value


@_checker.checks("uuid", ValueError)
def _is_uuid(value: Any) -> bool:
    return str(uuid.UUID(value)) == value


def check_event(event: dict[str, Any]) -> None:
    """Raise ValidationError, or AssertionError, where an event is not as OpenLineage says."""
    jsonschema.Draft202012Validator(_schema(RunEvent), format_checker=_checker).validate(event)
    assert event["schemaURL"] == RunEvent._get_schema()
    _check_facets(event["run"]["facets"], base.RunFacet)
    _check_facets(event["job"]["facets"], base.JobFacet)
    for dataset in event["inputs"]:
        _check_facets(dataset["facets"], base.DatasetFacet)
        _check_facets(dataset["inputFacets"], base.InputDatasetFacet)
    for dataset in event["outputs"]:
        _check_facets(dataset["facets"], base.DatasetFacet)
        _check_facets(dataset["outputFacets"], base.OutputDatasetFacet)


def _check_facets(facets: dict[str, Any], kind: type) -> None:
    for name, facet in facets.items():
        assert name in facets_of(kind), f"{name} is no {kind.__name__}"
        schema = facets_of(kind)[name]
        jsonschema.Draft202012Validator(_schema(schema), format_checker=_checker).validate(facet)
        assert facet["_schemaURL"] == schema._get_schema()


@functools.cache
def facets_of(kind: type) -> dict[str, Any]:
    """The standard's facets of a kind, by the name that they go by in an event."""
    found = {}
    for module in map(facet_v2.__dict__.get, facet_v2.__all__):
        for cls in vars(module).values() if isinstance(module, types.ModuleType) else ():
            if isinstance(cls, type) and issubclass(cls, kind) and cls not in _KINDS:
                stem = cls.__name__
                for end in (
                    "InputDatasetFacet",
                    "OutputDatasetFacet",
                    "DatasetFacet",
                    "RunFacet",
                    "JobFacet",
                ):
                    stem = stem.removesuffix(end)
                found[_NAMES.get(cls.__name__, stem[:1].lower() + stem[1:])] = cls
    return found


@functools.cache
def _schema(cls: type) -> dict[str, Any]:
    definitions: dict[str, Any] = {}
    return {**_object(cls, definitions), "$defs": definitions}


def _object(cls: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    """A reference to the definition of a class, which is made where there is none yet."""
    name = f"{cls.__module__.rpartition('.')[2]}.{cls.__name__}"
    if name not in definitions:
        definitions[name] = {}  # a class may refer to itself
        hints, fields = typing.get_type_hints(cls), attr.fields(cls)
        always = ("producer", "schemaURL", "_producer", "_schemaURL")
        definitions[name] = {
            "type": "object",
            "properties": {f.name: _value(f.name, hints[f.name], definitions) for f in fields},
            "required": [f.name for f in fields if f.default is attr.NOTHING or f.name in always],
            "additionalProperties": False,
        }
    return {"$ref": f"#/$defs/{name}"}


def _value(name: str, hint: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    """The schema of a field. None is no value: it is left out of an event."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        (hint,) = (each for each in arguments if each is not type(None))
        return _value(name, hint, definitions)
    if origin is list:
        return {"type": "array", "items": _value(name, arguments[0], definitions)}
    if origin is dict:
        # Facets are looked at one by one, by their own names.
        facets = name.lower().endswith("facets")
        return {
            "type": "object",
            "additionalProperties": facets or _value(name, arguments[1], definitions),
        }
    if attr.has(hint):
        return _object(hint, definitions)
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return {"enum": [each.value for each in hint]}
    kinds = {str: "string", int: "integer", float: "number", bool: "boolean"}
    return {"type": kinds[hint], **({"format": _FORMATS[name]} if name in _FORMATS else {})}
