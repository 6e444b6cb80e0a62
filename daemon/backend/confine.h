/* SPDX-License-Identifier: ISC */
/* confine.h: finds in the configuration the files of the daemon that are hidden from children, and
 * the files that children need. See mcpd(8), "Children". */
#ifndef MCPD_CONFINE_H
#define MCPD_CONFINE_H

#include "lib/err.h"

struct cgroups;
struct config;
struct event_base;
struct sandbox;

/* Whether the kernel can enforce "sandbox" and "resources" of all servers, and whether the paths
 * that they name are there. 0, or ERR_INVALID with the remedy; what is not "required" is logged. */
int confine_check(const struct config *conf, struct err *e);

/* Takes the folder in which children get cgroups. *CS_R is NULL where no server needs one, or where
 * none that is "required" does and there is none: that is logged. 0, or a code with E. */
int confine_cgroups(const struct config *conf, struct event_base *base, struct cgroups **cs_r,
		    struct err *e);

/* Hides the files of the daemon where that is possible, and logs the files that are not hidden
 * (sandbox.h). The files and folders have to be there. NULL with E on lack of memory. */
struct sandbox *confine_new(const struct config *conf, struct err *e);

#endif
