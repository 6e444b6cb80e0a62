#ifndef MCPD_ENDPOINT_H
#define MCPD_ENDPOINT_H
#endif
