#ifndef MCPD_CTLCLIENT_H
#define MCPD_CTLCLIENT_H
#endif
