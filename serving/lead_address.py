"""The address of one lead: its id may hold any characters, slashes and line ends among them."""

from __future__ import annotations

from starlette.convertors import Convertor, register_url_convertor


class AnyId(Convertor[str]):
    """An id within an address: any characters, slashes and line ends among them."""

    regex = r"[\s\S]*"

    def convert(self, value: str) -> str:
        """Take it as it is."""
        return value

    def to_string(self, value: str) -> str:
        """Write it as it is."""
        return value


register_url_convertor("id", AnyId())

LEAD = "/v1/leads/{lead_id:id}"
