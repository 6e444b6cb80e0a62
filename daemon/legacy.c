#include "legacy.h"
