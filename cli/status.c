/* SPDX-License-Identifier: ISC */
#include "cli/status.h"

#include <string.h>

#include "lib/ctlspec.h"
#include "lib/err.h"

const struct status_row status_table[] = {
	{STATUS_OK, "success"},
	{STATUS_REFUSED, "the daemon said no, or a tool failed"},
	{STATUS_USAGE, "the command line is wrong"},
	{STATUS_DATA, "input is wrong: JSON, or a configuration file"},
	{STATUS_NODAEMON, "no daemon listens, or it went away"},
	{STATUS_INTERNAL, "internal error, or out of memory"},
	{STATUS_IO, "standard output could not be written"},
	{STATUS_TIMEOUT, "no answer in time"},
	{STATUS_PROTOCOL, "what answers is no mcpd of this version"},
	{STATUS_NOPERM, "not permitted"},
	{STATUS_OK, NULL},
};

enum status status_of_code(int code)
{
	static const struct {
		int code;
		enum status status;
	} table[] = {
		{0, STATUS_OK},
		{ERR_INVALID, STATUS_USAGE},
		{ERR_PARSE, STATUS_DATA},
		{ERR_NOTFOUND, STATUS_NODAEMON},
		{ERR_CLOSED, STATUS_NODAEMON},
		{ERR_LIMIT, STATUS_REFUSED},
		{ERR_TIMEOUT, STATUS_TIMEOUT},
		{ERR_PROTOCOL, STATUS_PROTOCOL},
		{ERR_DENIED, STATUS_NOPERM},
	};

	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		if (table[i].code == code)
			return table[i].status;
	}
	return STATUS_INTERNAL;
}

enum status status_of_refusal(const json_t *error)
{
	const json_t *data = json_object_get(error, "data");
	const char *reason = json_string_value(json_object_get(data, "reason"));

	if (reason && strcmp(reason, ctlspec_reason_name(CTL_DENIED)) == 0)
		return STATUS_NOPERM;
	return STATUS_REFUSED;
}
