"""Licences in the form of CycloneDX: SPDX expressions where there are such, else words."""

import re
from importlib.metadata import PackageMetadata
from typing import Any

# An SPDX expression, as against words such as "BSD License".
EXPRESSION = re.compile(r"[\w.+-]+( (AND|OR|WITH) [\w.+-]+)*")
MAX_LICENCE = 100  # characters; some packages have their whole licence there

Licence = dict[str, Any]


def package_licences(metadata: PackageMetadata) -> list[Licence]:
    """What a package says of its licence: an SPDX expression if it has one, else words. Empty: it says nothing."""
    (expression,) = metadata.get_all("License-Expression", [None])
    text = metadata.get_all("License", [""])[0].partition("\n")[0].strip()
    if expression is None and EXPRESSION.fullmatch(text) and re.search(r"\d", text):
        expression = text
    classifiers = [each for each in metadata.get_all("Classifier", []) if each.startswith("License :: ")]
    names = {each.rpartition(" :: ")[2] for each in classifiers} or {text[:MAX_LICENCE]} - {""}
    # Of a wheel with other libraries in it, classifiers name the licence of the whole, and the text may not.
    if expression is None or any("General Public" in name for name in names):
        return [{"license": {"name": name}} for name in sorted(names)]
    return [{"expression": expression}]


def stated_licence(licence: str) -> Licence:
    """A licence that is an SPDX identifier, or words."""
    return {"expression": licence} if EXPRESSION.fullmatch(licence) else {"license": {"name": licence}}
