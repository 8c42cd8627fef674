# Completions of bestow for bash 4 and later. Load them with: source <(bestow completion bash)
_bestow() {
    local words=() count=0 rest=$COMP_LINE i word next line kept=
    # Bash splits a word at each of COMP_WORDBREAKS, and this joins the parts between which no blank stands.
    for ((i = 0; i <= COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        next=${rest#"${rest%%[![:space:]]*}"}
        if ((count > 0)) && [[ $next == "$rest" ]]; then
            words[count - 1]+=$word
        else
            words[count++]=$word
        fi
        rest=${next#"$word"}
    done
    words=("${words[@]:1}")
    COMPREPLY=()
    word=${words[count - 2]}
    for ((i = ${#word} - 1; i >= 0; i--)); do # what bash keeps of the word
        if [[ ${word:i:1} == [=:] && $COMP_WORDBREAKS == *"${word:i:1}"* ]]; then
            kept=${word:0:i+1}
            break
        fi
    done
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
