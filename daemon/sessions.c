#include "sessions.h"
