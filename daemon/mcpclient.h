#ifndef MCPD_MCPCLIENT_H
#define MCPD_MCPCLIENT_H
#endif
