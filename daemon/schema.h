#ifndef MCPD_SCHEMA_H
#define MCPD_SCHEMA_H
#endif
