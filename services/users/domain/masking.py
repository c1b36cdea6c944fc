"""What officers see of a national id; of everything else, `libs/common/masks.py` says it."""

from libs.common.masks import masked_but_end
from services.users.domain.national_ids import normalised


def masked_national_id(national_id: str | None) -> str | None:
    """`12-01-75-00123` is `****0123`; of a short one less is shown."""
    return masked_but_end(normalised(national_id)) if national_id else None
