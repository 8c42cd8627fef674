# Completions of bestow for fish. Load them with: bestow completion fish | source
function __bestow_offers
    set -l words (commandline -opc)
    set -l word (commandline -ct)
    for line in ($words[1] __complete -- $words[2..-1] "$word" 2>/dev/null)
        if test "$line" = ':files'
            __fish_complete_path "$word"
            return
        end
        echo $line
    end
end
complete -c bestow -f -a '(__bestow_offers)'
