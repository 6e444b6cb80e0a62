#ifndef MCPD_CTLSPEC_H
#define MCPD_CTLSPEC_H
#endif
