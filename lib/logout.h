/* SPDX-License-Identifier: ISC */
/* logout.h: lines of the log on their way out, for log.c alone. Nothing here waits but
 * logout_flush().
 *
 * A line that its reader does not take at once waits in memory, behind those that wait already.
 * What does not fit there is lost, and counted. */
#ifndef MCPD_LOGOUT_H
#define MCPD_LOGOUT_H

#include <stdbool.h>
#include <stddef.h>

struct event_base;

#define LOGOUT_MAX_WAITING ((size_t)4 << 20) /* bytes */

extern const char *logout_syslog_path; /* /dev/log; tests have their own */

/* To standard error, or, with SYSLOG, to the system's log at /dev/log: a datagram for each line. */
void logout_open(bool syslog);
/* Lines that wait go out as soon as there is room, from the loop of BASE, which then calls ON_ROOM.
 * NULL: no loop any more; they go when the next line comes. */
void logout_attach(struct event_base *base, void (*on_room)(void));
/* Sends LINE, which ends with a newline and has at most PIPE_BUF bytes. False: LINE is lost. */
bool logout_line(const char *line, size_t len);
/* Waits up to MS milliseconds until the lines that wait are written. Lines that are left are lost.
 */
void logout_flush(int ms);
void logout_close(void);

/* How many lines were lost since the start. */
unsigned long logout_lost(void);
/* The errno with which the last line was lost; 0: its reader is too slow. */
int logout_lost_why(void);

#endif
