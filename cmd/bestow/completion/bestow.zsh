#compdef bestow
# Completions of bestow for zsh. Load them with: source <(bestow completion zsh)
# or keep them as a file _bestow in a folder of fpath.
_bestow() {
    local -a lines offers
    local line word
    lines=("${(@f)$("${~words[1]}" __complete -- "${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
    for line in ${(@)lines:#}; do
        if [[ $line == ':files' ]]; then
            _files
            return
        fi
        word=${line%%$'\t'*}
        line=${line#*$'\t'}
        offers+=("${word//:/\\:}${line:+:$line}")
    done
    _describe 'bestow' offers
}
if [[ ${funcstack[1]} == _bestow ]]; then
    _bestow "$@"
else
    compdef _bestow bestow
fi
