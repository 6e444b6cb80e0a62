#include "ctlspec.h"
