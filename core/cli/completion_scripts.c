// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "cli/completion_impl.h"

/* What each shell has to know: how to hand over the words there are, and how to show what comes
 * back. */

/* bash cuts words at '=' and ':'; they are put together again, and what bash keeps is cut off
 * the candidates. */
static const char bash[] =
    "# bash completion of wavegate, printed by `wavegate completion bash`\n"
    "_wavegate()\n"
    "{\n"
    "    local IFS=$'\\n' current=${COMP_WORDS[COMP_CWORD]} line candidate i\n"
    "    local -a words=()\n"
    "    for ((i = 1; i <= COMP_CWORD; i++)); do\n"
    "        if ((${#words[@]})) && [[ ${COMP_WORDS[i]} == [=:] || ${words[-1]} == *[=:] ]]; "
    "then\n"
    "            words[-1]+=${COMP_WORDS[i]}\n"
    "        else\n"
    "            words+=(\"${COMP_WORDS[i]}\")\n"
    "        fi\n"
    "    done\n"
    "    [[ $current == [=:] ]] && current=\n"
    "    local kept=${words[-1]%\"$current\"}\n"
    "    COMPREPLY=()\n"
    "    while read -r line; do\n"
    "        case $line in\n"
    "        :file) compopt -o filenames 2>/dev/null\n"
    "               COMPREPLY+=($(compgen -f -- \"$current\")) ;;\n"
    "        :folder) compopt -o filenames 2>/dev/null\n"
    "                 COMPREPLY+=($(compgen -d -- \"$current\")) ;;\n"
    "        *) candidate=${line%%$'\\t'*}\n"
    "           COMPREPLY+=(\"${candidate#\"$kept\"}\") ;;\n"
    "        esac\n"
    "    done < <(\"${COMP_WORDS[0]/#\\~/$HOME}\" completion words -- \"${words[@]}\" "
    "2>/dev/null)\n"
    "}\n"
    "complete -F _wavegate wavegate\n";

static const char zsh[] =
    "#compdef wavegate\n"
    "# zsh completion of wavegate, printed by `wavegate completion zsh`\n"
    "_wavegate()\n"
    "{\n"
    "    local line\n"
    "    local -a candidates files\n"
    "    while IFS= read -r line; do\n"
    "        case $line in\n"
    "        (:file) files=(_files) ;;\n"
    "        (:folder) files=(_files -/) ;;\n"
    "        (*) candidates+=(\"${${line%%$'\\t'*}//:/\\\\:}:${line#*$'\\t'}\") ;;\n"
    "        esac\n"
    "    done < <(${(Q)words[1]} completion words -- \"${(@Q)words[2,CURRENT]}\" 2>/dev/null)\n"
    "    (( $#candidates )) && _describe -V wavegate candidates\n"
    "    if (( $#files )); then\n"
    "        compset -P '--*='\n"
    "        $files\n"
    "    fi\n"
    "}\n"
    "if [[ $funcstack[1] == _wavegate ]]; then\n"
    "    _wavegate \"$@\"\n"
    "else\n"
    "    compdef _wavegate wavegate\n"
    "fi\n";

static const char fish[] =
    "# fish completion of wavegate, printed by `wavegate completion fish`\n"
    "function __wavegate_candidates\n"
    "    set -l words (commandline -opc) (commandline -ct)\n"
    "    for line in ($words[1] completion words -- $words[2..-1] 2>/dev/null)\n"
    "        switch $line\n"
    "            case :file\n"
    "                __fish_complete_path (string replace -r -- '^--[^=]*=' '' $words[-1])\n"
    "            case :folder\n"
    "                __fish_complete_directories (string replace -r -- '^--[^=]*=' '' "
    "$words[-1])\n"
    "            case '*'\n"
    "                echo $line\n"
    "        end\n"
    "    end\n"
    "end\n"
    "complete -c wavegate -f -a '(__wavegate_candidates)'\n";

const char *completion_script(const char *shell)
{
    return strcmp(shell, "bash") == 0 ? bash : strcmp(shell, "zsh") == 0 ? zsh : fish;
}
