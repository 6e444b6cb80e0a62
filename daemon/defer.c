#include "defer.h"
