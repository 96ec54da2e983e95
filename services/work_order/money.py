"""Money as whole cents: amounts of cost lines, and how they are written. Pure."""

from decimal import ROUND_HALF_UP, Decimal

MOST_CENTS = 2 * 10**9
"""Twenty million yuan: no repair costs more, and the database's whole numbers hold it."""


def line_cents(quantity: float, price_cents: int) -> int:
    """Quantity × price in cents, half a cent rounded up; the quantity counts as it is written (0.1 is a tenth)."""
    return int((Decimal(repr(quantity)) * price_cents).quantize(Decimal(1), ROUND_HALF_UP))


def yuan(cents: int) -> str:
    """`1,234.50`."""
    whole, rest = divmod(abs(cents), 100)
    return f"{'−' if cents < 0 else ''}{whole:,}.{rest:02d}"


def parse_yuan(text: str) -> int:
    """Cents of an amount as people write it, `12.5` or `¥1,200`; raises ValueError otherwise."""
    cleaned = text.strip().removeprefix("¥").removeprefix("￥").removesuffix("元").replace(",", "").replace("，", "")
    whole, point, rest = cleaned.strip().partition(".")
    if not (whole.isascii() and whole.isdigit()) or (point and not (rest.isascii() and rest.isdigit())):
        raise ValueError(f"{text!r} is no amount")
    if len(whole) > 9 or len(rest) > 2:
        raise ValueError(f"{text!r} has too many digits")
    return int(whole) * 100 + int(rest.ljust(2, "0") or 0)
