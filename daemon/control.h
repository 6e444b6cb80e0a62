#ifndef MCPD_CONTROL_H
#define MCPD_CONTROL_H
#endif
