#compdef lft
# Completion of lft for zsh: eval "$(lft completion zsh)", behind compinit
_lft() {
  local -a all plain open
  all=("${(@f)$(lft complete "${(@)words[2,$CURRENT]}" 2>/dev/null)}")
  all=("${(@)all:#}")
  open=("${(@M)all:#*[=/]}")
  plain=("${(@)all:#*[=/]}")
  (( $#plain )) && compadd -- "${(@)plain}"
  (( $#open )) && compadd -S '' -- "${(@)open}"
  (( $#all )) || _files
}
compdef _lft lft
