/* SPDX-License-Identifier: ISC */
/* stdfds.h: the three standard descriptors of a program: opened at the start, checked at the end.
 */
#ifndef MCPD_STDFDS_H
#define MCPD_STDFDS_H

#include <stdbool.h>

/* Opens /dev/null in the place of each of the descriptors 0, 1 and 2 that is closed, so that no
 * socket or file that the program opens later gets one of these numbers. Reading from such a
 * descriptor 0 finds the end of the file, writing to such a descriptor 1 fails with EBADF, and what
 * goes to such a descriptor 2 is dropped. Call stdfds_open() before anything that opens a
 * descriptor. 0, or ERR_IO where there is no /dev/null. */
int stdfds_open(void);

/* Writes what stdout still has in memory. False where that failed; stdfds_flush() will tell why. */
bool stdfds_try_flush(void);

/* Writes what stdout still has in memory. 0 if everything that was printed so far has been taken,
 * else the errno of the failure, EIO where it is not known any more. Each failure is told once. */
int stdfds_flush(void);

/* stdfds_flush() at the end of the program; also closes stdout, since some file systems report
 * errors only then. Returns STATUS, or EX_IOERR (74) where something that was printed got lost. */
int stdfds_finish(int status);

#endif
