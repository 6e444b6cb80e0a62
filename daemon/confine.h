/* confine.h: from the configuration to what children cannot have: the files of the daemon that are
 * hidden from them, and the files that they need themselves. See mcpd(8), "Children". */
#ifndef MCPD_CONFINE_H
#define MCPD_CONFINE_H

#include "err.h"

struct config;
struct sandbox;

/* Hides the files of the daemon, as far as that goes, and logs what is not hidden (sandbox.h). All files
 * and folders that are to be hidden have to be there. NULL with E on lack of memory. */
struct sandbox *confine_new(const struct config *conf, struct err *e);

#endif
