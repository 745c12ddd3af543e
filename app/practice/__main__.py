"""The practice server of a data folder, without the rest of the app: it starts sooner and takes half the memory."""

from argparse import ArgumentParser
from dataclasses import fields

from app.ending import end_with_parent
from app.practice.server import serve
from app.practice.troubles import Options


def main() -> None:
    parser = ArgumentParser(prog="python -m app.practice")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8100)
    for one in fields(Options):
        parser.add_argument(f"--{one.name.replace('_', '-')}", type=float, default=one.default)
    given = vars(parser.parse_args())
    host, port = given.pop("host"), given.pop("port")
    end_with_parent()
    serve(host, port, Options(**given))


if __name__ == "__main__":
    main()
