# Completion of lft for fish: lft completion fish | source
function __lft_complete
    set -l words (commandline -opc) (commandline -ct)
    lft complete $words[2..-1] 2>/dev/null
end
complete -c lft -a '(__lft_complete)'
