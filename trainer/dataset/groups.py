"""Names that belong together, as a union-find: images of one case, cases that share an image."""

from __future__ import annotations

import msgspec

from trainer.dataset.example import Example


class Groups:
    """Disjoint sets of names; a group is called after its first name in alphabetical order."""

    def __init__(self) -> None:
        self._parents: dict[str, str] = {}

    def join(self, one: str, other: str) -> None:
        """Put the groups of two names together."""
        first, second = sorted((self.of(one), self.of(other)))
        self._parents[second] = first

    def of(self, name: str) -> str:
        """The group of a name."""
        path = []
        while (parent := self._parents.setdefault(name, name)) != name:
            path.append(name)
            name = parent
        for step in path:
            self._parents[step] = name
        return name

    def placed(self, example: Example) -> Example:
        """The example with its group as its case."""
        return msgspec.structs.replace(example, case=self.of(example.case))
