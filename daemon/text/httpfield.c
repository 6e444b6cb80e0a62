/* SPDX-License-Identifier: ISC */
#include "autoconf.h"

#include "text/httpfield.h"

#include <ctype.h>
#include <string.h>

bool httpfield_name_ok(const char *name)
{
	if (*name == '\0')
		return false;
	for (; *name != '\0'; name++)
		if (!isascii((unsigned char)*name) ||
		    (!isalnum((unsigned char)*name) && !strchr("!#$%&'*+-.^_`|~", *name)))
			return false;
	return true;
}

bool httpfield_value_ok(const char *value)
{
	return !strpbrk(value, "\r\n");
}
