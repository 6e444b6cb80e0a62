/* SPDX-License-Identifier: ISC */
/* container.h: from a member to the structure that it is part of. */
#ifndef MCPD_CONTAINER_H
#define MCPD_CONTAINER_H

#include <stddef.h>

/* The TYPE whose MEMBER is at POINTER. */
#define container_of(pointer, type, member)                                                        \
	((type *)(void *)((char *)(pointer)-offsetof(type, member)))

#endif
