/* SPDX-License-Identifier: ISC */
/* pipesize.h: pipes that are enlarged while large messages pass through them.
 *
 * A pipe holds 64 KiB, so a message of 10 MiB takes 160 turns of the loop and as many switches to
 * the child. A larger pipe takes fewer. The kernel counts the pages of all pipes of a user, and
 * gives each pipe that is made beyond pipe-user-pages-soft (pipe(7)) 8 KiB alone: all enlargements
 * together take a quarter of that at most. */
#ifndef MCPD_PIPESIZE_H
#define MCPD_PIPESIZE_H

#include <stddef.h>

/* A message with more bytes than this makes a pipe worth enlarging. */
#define PIPESIZE_LARGE ((size_t)256 << 10)

/* Enlarges the pipe FD, if there is room for that. The bytes that it got more, which
 * pipesize_give_back() takes once the pipe is closed; 0: none. */
size_t pipesize_enlarge(int fd);
void pipesize_give_back(size_t bytes);

#endif
