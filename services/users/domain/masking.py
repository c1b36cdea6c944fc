"""What officers see of a person: enough to recognise them, too little to look them up."""

from libs.common.phones import masked
from services.users.domain.national_ids import normalised


def masked_name(name: str | None) -> str | None:
    """`Sita Sharma` is `S*** S***`."""
    return " ".join(f"{word[0]}***" for word in name.split()) if name else None


def masked_phone(number: str | None) -> str | None:
    """`+9779812345678` is `+97798****5678`."""
    return masked(number) if number else None


def masked_email(email: str | None) -> str | None:
    """`sita@example.org` is `s***@example.org`."""
    if not email:
        return None
    local, _, domain = email.rpartition("@")
    return f"{local[:1]}***@{domain}"


def masked_national_id(national_id: str | None) -> str | None:
    """`12-01-75-00123` is `****0123`; of a short one less is shown."""
    if not national_id:
        return None
    plain = normalised(national_id)
    shown = min(4, len(plain) // 2)
    return f"****{plain[-shown:]}"
