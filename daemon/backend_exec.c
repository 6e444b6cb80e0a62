#include "backend_impl.h"
