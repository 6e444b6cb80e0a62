#ifndef MCPD_TRANSPORT_H
#define MCPD_TRANSPORT_H
#endif
