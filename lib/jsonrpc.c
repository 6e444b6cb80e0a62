#include "jsonrpc.h"
