# SPDX-License-Identifier: GPL-2.0-or-later
# bash completion for l2tpctl(1): the daemon's grammar completes the line
_l2tpctl() {
	local line=${COMP_LINE:0:COMP_POINT} cur=${COMP_WORDS[COMP_CWORD]} words=() i socket=()

	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-s) socket=(-s "${COMP_WORDS[++i]}") ;;
		-*) ;;
		*) words+=("${COMP_WORDS[i]}") ;;
		esac
	done
	if [[ ${line: -1} == [[:space:]] ]]; then cur=; fi
	mapfile -t COMPREPLY < <(l2tpctl "${socket[@]}" complete "${words[*]}${words:+ }$cur" 2>/dev/null)
}
complete -F _l2tpctl l2tpctl
