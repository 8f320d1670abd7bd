# Completion of lft for bash: eval "$(lft completion bash)"
_lft() {
  local typed="${COMP_LINE:0:COMP_POINT}" words word fixed="" candidate
  read -r -a words <<<"$typed"
  [[ $typed == *[[:space:]] ]] && words+=("")
  word="${words[-1]}"
  # bash replaces only what stands behind the last = or :.
  [[ $word == *[=:]* ]] && fixed="${word%"${word##*[=:]}"}"
  COMPREPLY=()
  while IFS= read -r candidate; do
    COMPREPLY+=("${candidate#"$fixed"}")
  done < <(lft complete "${words[@]:1}" 2>/dev/null)
  [[ ${COMPREPLY[0]} == *[=/] ]] && compopt -o nospace 2>/dev/null
  return 0
}
complete -o default -F _lft lft
