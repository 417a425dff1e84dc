"""Drivers by name, and the check of what a bench file says to them.

A driver is a class whose constructor reads ``(self, resource, name="…", *, clock=None,
visa_library="", own settings…)``. Its own keyword-only parameters, with their annotations
(``Annotated[float, Ge(0)]``, ``Literal[…]``), *are* the settings that a bench file may give. One
that reads other instruments has their names in the place of ``resource`` or among its settings
(:mod:`labcool.bench._links`).
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any, Final, get_args, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, create_model
from pydantic.errors import PydanticInvalidForJsonSchema, PydanticSchemaGenerationError

from labcool.bench._positions import Path
from labcool.bench._yaml_drivers import find_driver, known_drivers
from labcool.bench._yaml_fields import Name
from labcool.bench._yaml_problems import Fault
from labcool.bench._yaml_wording import checked
from labcool.errors import ConfigurationError

__all__ = [
    "check_settings",
    "known_drivers",
    "linked_settings",
    "load_driver",
    "settings_model",
]

_NOT_FOR_FILES: Final = object()
_NOT_SETTINGS = ("self", "resource", "name", "clock", "visa_library")


def load_driver(name: str) -> type[Any]:
    """Return a driver class.

    :param name: dotted path (``drivers.sc10.SC10``) or a name of the entry-point group
        ``labcool.drivers``.
    :raises ConfigurationError: if there is none, listing the known drivers.
    """
    found = find_driver(name)
    if isinstance(found, Fault):
        raise ConfigurationError(str(found))
    return found


def linked_settings(driver: type[Any]) -> Mapping[str, Sequence[str]]:
    """Return the settings of a driver that are other instruments, and the members each must have.

    They are what its class attribute ``instruments`` says; a bench file gives their names.
    """
    found: Mapping[str, Sequence[str]] = getattr(driver, "instruments", {})
    return found


def settings_model(driver: type[Any]) -> type[BaseModel]:
    """Return the model of a driver's own settings, from its constructor's signature.

    Parameters that no file can give (a callable, an object of the driver's own) are left out.
    """
    fields: dict[str, Any] = {}
    linked = linked_settings(driver)
    for parameter in inspect.signature(driver.__init__).parameters.values():
        is_linked = parameter.name in linked
        is_own = parameter.kind is parameter.KEYWORD_ONLY and parameter.name not in _NOT_SETTINGS
        if not (is_linked or is_own):
            continue
        annotation = Name if is_linked else _annotation(driver, parameter)
        if annotation is _NOT_FOR_FILES:
            continue
        required = parameter.default is parameter.empty
        # Python names that pydantic reserves (model_…, a leading _) must be possible as settings.
        field = f"setting_{parameter.name}"
        default = ... if required else None
        fields[field] = (annotation, Field(default, alias=parameter.name))
    config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)
    return create_model(f"{driver.__name__}Settings", __config__=config, **fields)


def check_settings(
    driver: type[Any],
    settings: Mapping[str, Any],
    *,
    resource: object = None,
    written: Mapping[Path, str] | None = None,
) -> tuple[dict[str, Any], list[Fault]]:
    """Check what a bench file gives to a driver.

    :param settings: the driver's own settings.
    :param resource: the port; None if the file names none.
    :param written: how values were typed, by path within the settings.
    :return: the settings with the types the constructor asks for, and what is wrong with them.
    """
    faults = list(_resource_faults(driver, resource))
    model, wrong = checked(settings_model(driver), settings, written)
    if model is None:
        return dict(settings), faults + wrong
    fields = type(model).model_fields
    values = {str(fields[name].alias): getattr(model, name) for name in model.model_fields_set}
    return {key: values[key] for key in settings}, faults


def _annotation(driver: type[Any], parameter: inspect.Parameter) -> Any:
    """Return the type a file's value must have, ``_NOT_FOR_FILES`` if no file can give one."""
    hint = _hint(driver, parameter)
    try:
        TypeAdapter(hint).json_schema()
    except (PydanticSchemaGenerationError, PydanticInvalidForJsonSchema):
        return _NOT_FOR_FILES
    return hint


def _hint(driver: type[Any], parameter: inspect.Parameter) -> Any:
    """Return a parameter's annotation, ``_NOT_FOR_FILES`` if only a type checker can read it."""
    if parameter.annotation is parameter.empty:
        return Any
    # One parameter at a time: such a name in another parameter must not matter here.
    holder = SimpleNamespace(__annotations__={parameter.name: parameter.annotation})
    names = inspect.unwrap(driver.__init__).__globals__
    try:
        return get_type_hints(holder, globalns=names, include_extras=True)[parameter.name]
    except NameError:
        return _NOT_FOR_FILES


def _takes_text(driver: type[Any], parameter: inspect.Parameter) -> bool:
    hint = _hint(driver, parameter)
    return hint in (_NOT_FOR_FILES, Any, str) or str in get_args(hint)


def _resource_faults(driver: type[Any], resource: object) -> list[Fault]:
    parameter = inspect.signature(driver.__init__).parameters.get("resource")
    path: Path = ("resource",)
    if resource is not None and (parameter is None or not _takes_text(driver, parameter)):
        what = f"{driver.__name__} is not connected by a VISA port"
        hint = f"remove the key; the settings of {driver.__name__} say which device it opens"
        return [Fault(path, what, hint=hint, on_key=True)]
    if resource is None and parameter is not None and parameter.default is parameter.empty:
        allowed = "text (VISA resource, like ASRL/dev/ttyUSB0::INSTR or ASRL3::INSTR)"
        hint = f"{driver.__name__} needs the port it is connected to"
        return [Fault(path, "'resource' is missing", allowed, hint)]
    return []
