"""The command `palmette`."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from palmette.cli import artifacts, auth, deploy, infer, jobs, models, plugins, run, suite
from palmette.cli.exit_codes import EXPLANATION, ExitCode
from palmette.cli.failures import report
from palmette.cli.output import err
from palmette.errors import PalmetteError
from palmette.version import __version__


class _Root(TyperGroup):
    """The one place where failures become a readable block and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Run the chosen command."""
        try:
            return super().invoke(ctx)
        except PalmetteError as error:
            raise typer.Exit(report(error, "--json" in sys.argv)) from None
        except KeyboardInterrupt:
            err.print("interrupted")
            raise typer.Exit(ExitCode.INTERRUPTED) from None
        except TimeoutError as error:
            err.print(f"[red]timed out[/] {error}")
            raise typer.Exit(ExitCode.UNAVAILABLE) from None
        except BrokenPipeError:
            # Whoever read our output stopped reading, as `palmette jobs list | head` does.
            sys.stdout = None  # nothing is left to flush into
            raise typer.Exit(ExitCode.OK) from None


app = typer.Typer(
    name="palmette",
    cls=_Root,
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
app.add_typer(models.app, name="models")
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
    """Run the command line."""
    app(prog_name="palmette")


if __name__ == "__main__":
    main()
