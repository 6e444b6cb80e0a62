/* SPDX-License-Identifier: ISC */
/* control_key.h: the key of the control socket. Every process of the daemon's own user can connect,
 * its children among them; the one that can read the key is let in. See mcpd-control(7),
 * "Authentication". */
#ifndef MCPD_CONTROL_KEY_H
#define MCPD_CONTROL_KEY_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#include "lib/digest.h"
#include "lib/err.h"

struct control_key {
	unsigned char key[DIGEST_SIZE]; /* random */
	char path[PATH_MAX];
	dev_t dev;
	ino_t ino; /* 0: there is no file of ours */
};

/* Makes a new key and writes it beside the socket SOCKET, where paths_control_key() says, with mode
 * 0600; in one step, so that nobody reads half of it. 0, ERR_IO, ERR_LIMIT (path too long),
 * ERR_EXISTS (the file there is no key, or another user's). */
int control_key_write(struct control_key *k, const char *socket, struct err *e);
/* Whether HEX is the key; takes as long for every wrong one. */
bool control_key_is(const struct control_key *k, const char *hex);
/* Removes the file if it is still the same, and forgets the key. Idempotent. */
void control_key_remove(struct control_key *k);

#endif
