#!/bin/sh
# SPDX-License-Identifier: ISC
# The manual pages: without complaints of mandoc, with the sections that every page has, and with
# every option of the programs that they describe.
set -u
cd "${top_builddir:-.}" || exit 99

pages=$(grep -L "^\.so " man/*.[1-9]) # but for links to others
n=0
ok() { n=$((n + 1)) && echo "ok $n - $*"; }
not_ok() { n=$((n + 1)) && echo "not ok $n - $*"; }

lint()
{
	# Pages that are not installed are no fault, and nor is a long line in the source.
	# What mandoc says of its database goes to the standard error, and could cut a line of the rest in two.
	mandoc -Tlint -W style "$1" 2>/dev/null |
		grep -v -e 'referenced manual not found' -e 'input text line longer'
}

check_lint()
{
	if ! command -v mandoc >/dev/null; then
		n=$((n + 1)) && echo "ok $n - $1 is clean # SKIP mandoc is not installed"
		return
	fi
	faults=$(lint "$1")
	if [ -z "$faults" ]; then
		ok "$1 is clean"
	else
		printf '%s\n' "$faults" | sed 's/^/# /'
		not_ok "$1 is clean"
	fi
}

check_sections()
{
	for section in $2; do
		title=$(echo "$section" | tr _ ' ')
		if grep -q "^\\.Sh $title\$" "$1"; then
			ok "$1 has $title"
		else
			not_ok "$1 has $title"
		fi
	done
}

# The options that a program's own help names are in its page, long and short.
check_options()
{
	options=$("$1" --help | sed "/^Commands/,\$d" | grep -o -E -e '(^|[ ,[])--?[A-Za-z][a-z-]*' | sed 's/^[^-]*//' | sort -u)
	[ -n "$options" ] || not_ok "$1 has options"
	for option in $options; do
		if grep -q -E "Fl ${option#-}( |\$)" "$2"; then
			ok "$2 has $option"
		else
			not_ok "$2 has $option"
		fi
	done
}

for page in $pages; do
	check_lint "$page"
	check_sections "$page" 'NAME SEE_ALSO'
	case $page in
	*.[18]) check_sections "$page" 'SYNOPSIS DESCRIPTION EXIT_STATUS FILES EXAMPLES SECURITY' ;;
	*) check_sections "$page" 'DESCRIPTION EXAMPLES' ;;
	esac
done
check_options "$MCPD" man/mcpd.8
[ ! -e man/mcpctl.1 ] || check_options "$MCPCTL" man/mcpctl.1
echo "1..$n"
