"""The command `palmette`."""

from __future__ import annotations

import sys
from typing import Annotated

import click
import typer

from palmette.cli import artifacts, auth, deploy, infer, jobs, plugins, run, suite
from palmette.cli.exit_codes import EXPLANATION, ExitCode
from palmette.cli.failures import report
from palmette.cli.output import err
from palmette.errors import PalmetteError
from palmette.version import __version__

app = typer.Typer(
    name="palmette",
    help="Reshape neural networks and serve the result.",
    epilog=EXPLANATION,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
suite.add_to(app)
run.add_to(app)
infer.add_to(app)
app.add_typer(plugins.app, name="plugins")
app.add_typer(jobs.app, name="jobs")
app.add_typer(artifacts.app, name="artifacts")
app.add_typer(deploy.app, name="deploy")
app.add_typer(auth.app, name="auth")


def _print_version(wanted: bool) -> None:
    if wanted:
        print(__version__)
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Reshape neural networks and serve the result."""


def main() -> None:
    """Run the command line; every failure ends as one readable block and an exit code."""
    try:
        code = app(standalone_mode=False)
        sys.exit(code if isinstance(code, int) else ExitCode.OK)
    except click.exceptions.Exit as leave:
        sys.exit(leave.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(ExitCode.USAGE)
    except PalmetteError as error:
        sys.exit(report(error, "--json" in sys.argv))
    except (KeyboardInterrupt, click.Abort):
        err.print("\ninterrupted")
        sys.exit(ExitCode.INTERRUPTED)
    except TimeoutError as error:
        err.print(f"[red]timed out[/] {error}")
        sys.exit(ExitCode.UNAVAILABLE)
    except BrokenPipeError:
        # Whoever read our output stopped reading, as `palmette jobs list | head` does.
        sys.stderr.close()
        sys.exit(ExitCode.OK)


if __name__ == "__main__":
    main()
