package manual

import "strings"

// Shells are those that [Completion] knows.
func Shells() []string { return []string{"bash", "zsh", "fish"} }

// Completion is a script for a shell that completes a program's command line by asking
// the program itself. What it answers is never evaluated: some of it, such as names of
// targets, comes from elsewhere. Where it knows nothing, files are completed.
func Completion(shell, program string) (script string, ok bool) {
	template, ok := map[string]string{"bash": bash, "zsh": zsh, "fish": fish}[shell]
	return strings.ReplaceAll(template, "PROGRAM", program), ok
}

const bash = `# bash completion for PROGRAM: source it, or put it into
# /usr/share/bash-completion/completions/PROGRAM
_PROGRAM_complete() {
    local word current="${COMP_WORDS[COMP_CWORD]}"
    local -a given=()
    # bash takes --flag=value apart at the sign.
    for word in "${COMP_WORDS[@]:1:COMP_CWORD}"; do
        [[ $word == = ]] || given+=("$word")
    done
    [[ $current == = ]] && { current=""; given+=(""); }
    COMPREPLY=()
    while IFS= read -r word || [[ -n $word ]]; do
        [[ $word == "$current"* ]] && COMPREPLY+=("$word")
    done < <("${COMP_WORDS[0]}" --completion-bash "${given[@]}" 2>/dev/null)
}
complete -o default -F _PROGRAM_complete PROGRAM
`

const zsh = `#compdef PROGRAM
# zsh completion for PROGRAM: put it as _PROGRAM into a folder of $fpath, or source it.
_PROGRAM() {
    local -a found
    found=("${(@f)$("${words[1]}" --completion-bash "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    if [[ -n "${found[*]}" ]]; then
        compadd -- "${found[@]}"
    else
        _files
    fi
}
if [[ "${funcstack[1]}" == "_PROGRAM" ]]; then
    _PROGRAM "$@"
else
    compdef _PROGRAM PROGRAM
fi
`

const fish = `# fish completion for PROGRAM: put it into ~/.config/fish/completions/PROGRAM.fish
function __PROGRAM_complete
    set -l given (commandline -opc)
    $given[1] --completion-bash $given[2..-1] (commandline -ct) 2>/dev/null
end
complete -c PROGRAM -a '(__PROGRAM_complete)'
`
