#ifndef MCPD_SERVER_H
#define MCPD_SERVER_H
#endif
