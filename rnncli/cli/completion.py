"""The command `rnncli completion`, and what its scripts ask at each press of the tab key.

A script calls `rnncli` with _RNNCLI_COMPLETE in the environment, as all programs made with click do. Commands, options
and choices are click's answers; a place for a RUN, CONFIG, DATA, KEY or TOPIC is known by the name that help gives it.
"""

from __future__ import annotations

import click
from click.shell_completion import BashComplete, CompletionItem, FishComplete, ShellComplete, ZshComplete

from rnncli.cli.options import example

VARIABLE = "_RNNCLI_COMPLETE"
OPEN = ("=", "/")  # ends after which a word goes on

BASH = """\
%(complete_func)s() {
    local IFS=$'\\n' line
    COMPREPLY=()
    for line in $(env COMP_WORDS="${COMP_WORDS[*]}" COMP_CWORD="$COMP_CWORD" %(complete_var)s=bash_complete "$1"); do
        case $line in
            file,*) compopt -o default ;;
            open,*) compopt -o nospace; COMPREPLY+=("${line#*,}") ;;
            *) COMPREPLY+=("$(printf %%q "${line#*,}")") ;;
        esac
    done
}
complete -o nosort -F %(complete_func)s %(prog_name)s
"""
ZSH = """\
#compdef %(prog_name)s
%(complete_func)s() {
    local -a lines plain told
    local kind name help
    lines=("${(@f)$(env COMP_WORDS="${words[*]}" COMP_CWORD=$((CURRENT-1)) %(complete_var)s=zsh_complete $words[1])}")
    for kind name help in ${lines}; do
        case $kind in
            file) _files ;;
            open) compadd -U -S '' -- "$name" ;;
            *) if [[ $help == _ ]]; then plain+=("$name"); else told+=("$name:$help"); fi ;;
        esac
    done
    (( $#told )) && _describe -V unsorted told -U
    (( $#plain )) && compadd -U -V unsorted -a plain
    return 0
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    %(complete_func)s "$@"
else
    compdef %(complete_func)s %(prog_name)s
fi
"""
FISH = """\
function %(complete_func)s
    set -l words COMP_WORDS=(commandline -cp) COMP_CWORD=(commandline -t)
    for line in (env %(complete_var)s=fish_complete $words %(prog_name)s)
        set -l parts (string split --max 1 , -- $line)
        if test $parts[1] = file
            __fish_complete_path (commandline -t)
        else
            echo $parts[2]
        end
    end
end
complete --no-files --command %(prog_name)s --arguments "(%(complete_func)s)"
"""


class Bash(BashComplete):
    """bash takes = for the end of a word, and is answered with what stands behind it."""

    source_template = BASH

    def get_completion_args(self) -> tuple[list[str], str]:
        before, begun = super().get_completion_args()
        words: list[str] = []
        for word in [*before, begun]:
            if words and (word == "=" or words[-1].endswith("=")):
                words[-1] += word
            else:
                words.append(word)
        return words[:-1], words[-1]

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem]:
        items = super().get_completions(args, incomplete)
        told = incomplete.count("=") - incomplete.startswith("-")
        for item in items:
            item.value = item.value.split("=", told)[-1] if told > 0 else item.value
        return items


class Zsh(ZshComplete):
    source_template = ZSH


class Fish(FishComplete):
    source_template = FISH


SHELLS: dict[str, type[ShellComplete]] = {"bash": Bash, "zsh": Zsh, "fish": Fish}


class Place(click.ParamType):
    """The text of an option or argument, which is completed by the name that help gives its place."""

    name = "text"

    def __init__(self, place: str):
        self.place = place

    def shell_complete(
        self, context: click.Context, parameter: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        from rnncli.workflows.completion import candidates

        names = candidates(self.place, incomplete)
        if names is None:
            return [CompletionItem(incomplete, type="file")]
        return [CompletionItem(name, type="open" if name.endswith(OPEN) else "plain") for name in names]


def complete(group: click.Group, instruction: str) -> int:
    """Write what may stand next on the command line in the environment; return the exit code."""
    shell = SHELLS.get(instruction.partition("_")[0])
    if shell is None:
        return 2
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        for parameter in command.params if command else ():
            if parameter.type is click.STRING:
                parameter.type = Place(parameter.metavar or (parameter.name or "").upper())
    if told := shell(group, {}, "rnncli", VARIABLE).complete():
        click.echo(told)
    return 0


@click.command("completion", epilog=example("rnncli completion bash > rnncli.bash"))
@click.argument("shell", type=click.Choice(list(SHELLS)))
def command(shell: str) -> None:
    """Print the script that makes a shell complete commands, options, config keys, files and runs.

    \b
    bash    add to ~/.bashrc:    eval "$(rnncli completion bash)"
    zsh     add to ~/.zshrc:     eval "$(rnncli completion zsh)"
    fish    rnncli completion fish > ~/.config/fish/completions/rnncli.fish
    """
    from rnncli.ui.output import Output

    made = SHELLS[shell](click.Group(), {}, "rnncli", VARIABLE)
    Output().write(made.source_template % made.source_vars())
