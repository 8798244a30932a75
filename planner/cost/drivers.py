"""Everything uncertain of a yearly cost, as draws: one struct through one formula, for a plan and for a tornado."""

from __future__ import annotations

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


class Drivers(Struct, frozen=True, kw_only=True):
    """Draws, each of shape (m,), or of one that broadcasts with the others.

    Attributes:
        examples: Of one fine-tuning of a joint adapter; inf where the target is not reached.
        training_s_per_example, answering_s_per_study: Seconds.
        once_per_image_s: Decoding a different image and caching its features, once a fine-tuning; `images` of them
            are there, inf where unknown (every example then has its own).
        rent_eur_per_hour: A GPU-hour without VAT; nan for bought hardware.
        equipment_eur: Server without VAT; nan for rented hardware.
        electricity_eur_per_kwh: Without VAT.
        eur_per_usd: For the rest that is priced in dollars.
        staff_eur_per_hour: Full cost of an hour of work.
        price_level: Of storage, transfer, support and given lines against today.
        modality_transfer: 0: a study teaches its own modality only; 1: it teaches all.
        risks_eur: What the risks that happen cost in a year.
        carbon_factor: Of the estimate of carbon, around 1.
    """

    examples: FloatArray
    training_s_per_example: FloatArray
    answering_s_per_study: FloatArray
    once_per_image_s: FloatArray
    images: FloatArray
    rent_eur_per_hour: FloatArray
    equipment_eur: FloatArray
    electricity_eur_per_kwh: FloatArray
    eur_per_usd: FloatArray
    staff_eur_per_hour: FloatArray
    price_level: FloatArray
    modality_transfer: FloatArray
    risks_eur: FloatArray
    carbon_factor: FloatArray

    def replaced(self, name: str, value: FloatArray) -> Drivers:
        """The same drivers with one exchanged."""
        return msgspec.structs.replace(self, **{name: value})

    def training_s(self, examples: FloatArray) -> FloatArray:
        """Seconds of training on so many examples, with every different image among them prepared once."""
        new = np.minimum(examples, self.images)
        once = np.where(np.isfinite(new), new, 0.0) * self.once_per_image_s
        return np.asarray(examples * self.training_s_per_example + once)

    def medians(self) -> Drivers:
        """Every driver at its median, the risks at their mean; that of examples is infinite when most draws miss."""
        draws = np.stack([getattr(self, field) for field in self.__struct_fields__])
        middle = np.quantile(draws, [0.5], axis=1, method="inverted_cdf").T
        found = Drivers(**dict(zip(self.__struct_fields__, middle, strict=True)))
        return found.replaced("risks_eur", np.array([float(self.risks_eur.mean())]))

    def columns(self) -> Drivers:
        """The same with shape (m, 1), for a cost along a grid of examples."""
        return Drivers(**{field: np.reshape(getattr(self, field), (-1, 1)) for field in self.__struct_fields__})
