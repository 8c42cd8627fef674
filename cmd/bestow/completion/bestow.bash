# Completions of bestow for bash. Load them with: source <(bestow completion bash)
_bestow() {
    local words=() count=0 glue= i word line
    # Bash splits a word at = and at :, and this joins its parts again.
    for ((i = 1; i <= COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if ((count > 0)) && [[ $glue || $word == [=:]* ]]; then
            words[count - 1]+=$word
        else
            words[count++]=$word
        fi
        [[ $word == *[=:] ]] && glue=yes || glue=
    done
    COMPREPLY=()
    word=${words[count - 1]}
    local kept=${word%"${word##*[=:]}"} # what bash keeps of the word
    while IFS= read -r line; do
        if [[ $line == ':files' ]]; then
            compopt -o default
            COMPREPLY=()
            return
        fi
        line=${line%%$'\t'*}
        COMPREPLY+=("${line#"$kept"}")
    done < <("${COMP_WORDS[0]/#\~/$HOME}" __complete -- "${words[@]}" 2>/dev/null)
}
complete -F _bestow bestow
