#include "delayq.h"
