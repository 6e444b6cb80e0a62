#ifndef MCPD_MCPD_H
#define MCPD_MCPD_H
#endif
