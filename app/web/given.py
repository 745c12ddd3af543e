"""What programs send: a field that nobody knows is refused, so that no misspelt cap passes for none."""

from pydantic import BaseModel, ConfigDict


class Given(BaseModel):
    """The body of a request of the API."""

    model_config = ConfigDict(extra="forbid")
