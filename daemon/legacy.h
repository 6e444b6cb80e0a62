#ifndef MCPD_LEGACY_H
#define MCPD_LEGACY_H
#endif
