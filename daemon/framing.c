#include "framing.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>

#include <event2/keyvalq_struct.h>

struct scan {
	const char *length;
	unsigned lengths;
	const char *coding;
	unsigned codings;
	bool close;
	bool keep_alive;
	bool bad_name;
};

/* Whether the comma-separated LIST has TOKEN, whatever the case. */
static bool has_token(const char *list, const char *token)
{
	size_t want = strlen(token);

	while (*list != '\0') {
		size_t len;

		list += strspn(list, " \t,");
		len = strcspn(list, " \t,");
		if (len == want && strncasecmp(list, token, len) == 0)
			return true;
		list += len;
	}
	return false;
}

static void scan_field(struct scan *s, const char *key, const char *value)
{
	size_t len = strlen(key);

	/* "Content-Length : 5" is a header for some and none for others. */
	if (len == 0 || key[len - 1] == ' ' || key[len - 1] == '\t') {
		s->bad_name = true;
	} else if (strcasecmp(key, "Content-Length") == 0) {
		s->length = value;
		s->lengths++;
	} else if (strcasecmp(key, "Transfer-Encoding") == 0) {
		s->coding = value;
		s->codings++;
	} else if (strcasecmp(key, "Connection") == 0) {
		s->close |= has_token(value, "close");
		s->keep_alive |= has_token(value, "keep-alive");
	}
}

static bool all_digits(const char *text)
{
	if (*text == '\0')
		return false;
	for (; *text != '\0'; text++)
		if (!isdigit((unsigned char)*text))
			return false;
	return true;
}

static struct framing refuse(int status, const char *why)
{
	return (struct framing){.status = status, .why = why, .close = true};
}

struct framing framing_check(const struct evkeyvalq *headers, int minor, bool body_read)
{
	struct scan s = {0};
	const struct evkeyval *field;

	TAILQ_FOREACH (field, headers, next)
		scan_field(&s, field->key, field->value);
	if (s.bad_name)
		return refuse(400, "Malformed header name");
	if (s.lengths > 1 || (s.length != NULL && !all_digits(s.length)))
		return refuse(400, "Invalid Content-Length");
	if (s.codings > 0 && (s.lengths > 0 || minor < 1))
		return refuse(400, "Ambiguous message length");
	if (s.codings > 1 || (s.coding != NULL && strcasecmp(s.coding, "chunked") != 0))
		return refuse(501, "Unsupported Transfer-Encoding");
	return (struct framing){
		.close = s.close || (minor < 1 && !s.keep_alive) ||
			 (!body_read && (s.codings > 0 || s.lengths > 0)),
	};
}
