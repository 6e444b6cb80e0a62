#include "mcpd.h"
