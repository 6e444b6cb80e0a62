# bash completion for mcpctl(1), which knows itself what may come next.
_mcpctl()
{
	local IFS=$'\n'

	COMPREPLY=($("${COMP_WORDS[0]}" complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _mcpctl mcpctl
