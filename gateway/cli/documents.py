"""Hidden commands that write what is generated in `docs/`, so that documents and code cannot disagree."""

import json
from pathlib import Path
from typing import Annotated

import typer


def openapi(file: Annotated[Path | None, typer.Argument()] = None) -> None:
    """Write the OpenAPI document."""
    from gateway.openapi import openapi_document

    _write(file, json.dumps(openapi_document(), ensure_ascii=False, indent=1) + "\n")


def docs(directory: Annotated[Path, typer.Argument()] = Path("docs")) -> None:
    """Write what is generated: settings.md, metrics.md, openapi.json."""
    from gateway.metrics import metrics_document
    from gateway.settings import settings_document
    from translator.metrics import table
    from translator.settings import TranslatorSettings

    directory.mkdir(exist_ok=True)
    _write(directory / "settings.md", settings_document(TranslatorSettings.model_fields))
    _write(directory / "metrics.md", metrics_document(table()))
    openapi(directory / "openapi.json")


def _write(file: Path | None, text: str) -> None:
    if file is None:
        print(text, end="")
    else:
        file.write_text(text, "utf-8")
        print(f"wrote {file}")
