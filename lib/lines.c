#include "lines.h"
